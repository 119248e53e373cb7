import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { StackEvent } from '../../../src/stack/events.ts';
import { renderer } from '../../../src/stack/render.ts';

const now = () => new Date(2026, 0, 2, 3, 4, 5, 678);
const render = (event: StackEvent, { colour = false, keys = false } = {}): string =>
  renderer({ colour, keys, now })(event);

const shown: [StackEvent, string][] = [
  [{ event: 'leader', id: 'logger-1', epoch: 3 }, '03:04:05.678  logger-1  ★ leads in epoch 3\n'],
  [
    { event: 'record', id: 'logger-1', offset: 6, epoch: 3, value: 'Message: 7' },
    '03:04:05.678  logger-1  #6 Message: 7\n',
  ],
  [
    { event: 'exit', id: 'logger-1', code: null, signal: 'SIGKILL' },
    '03:04:05.678  logger-1  ✗ ended (SIGKILL)\n',
  ],
  [{ event: 'exit', id: 'logger-1', code: 70, signal: null }, '03:04:05.678  logger-1  ✗ ended (code 70)\n'],
  [{ event: 'restarted', id: 'logger-1', pid: 5 }, '03:04:05.678  logger-1  started again, pid 5\n'],
  [{ event: 'note', message: 'starting Consul' }, '03:04:05.678  stack     starting Consul\n'],
];
for (const [event, text] of shown)
  test(`shows ${JSON.stringify(event)}`, () => assert.equal(render(event), text));

test('an ordinary acknowledgement is not shown, a slow or repeated one is', () => {
  const sent = { event: 'sent', id: 'producer', message: 'Message: 7', offset: 6 } as const;
  assert.equal(render({ ...sent, attempts: 1, ms: 3 }), '');
  assert.match(render({ ...sent, attempts: 1, ms: 80 }), /Message: 7 was acknowledged after 80 ms, offset 6/);
  assert.match(render({ ...sent, attempts: 3, ms: 9 }), /after 9 ms and 3 attempts/);
});

test('a record cannot write to the terminal, nor fill it', () => {
  const record = { event: 'record', id: 'logger-0', offset: 0, epoch: 1 } as const;
  assert.match(render({ ...record, value: 'a\u001b[2J\nb' }), /#0 a·\[2J·b\n$/);
  assert.ok(render({ ...record, value: 'x'.repeat(10_000) }).length < 300);
});

test('the addresses come first, and the keys where there are any', () => {
  const ready: StackEvent = {
    event: 'ready',
    loggers: [{ id: 'logger-0', pid: 1, api: 'http://127.0.0.1:8081' }],
    producer: { pid: 2, url: 'http://127.0.0.1:8181' },
    consul: { pid: null, address: 'http://127.0.0.1:8500' },
    cluster: 'local',
    data: '/tmp/x',
  };
  const text = render(ready);
  for (const part of [
    'logger-0  http://127.0.0.1:8081  pid 1',
    'http://127.0.0.1:8181/metrics',
    'http://127.0.0.1:8500',
    '/tmp/x',
  ])
    assert.ok(text.includes(part), part);
  assert.doesNotMatch(text, /kill the leader/);
  assert.match(
    render(ready, { keys: true }),
    /k kill the leader · t transfer · p pause or resume it · q quit/,
  );
  assert.doesNotMatch(render({ ...ready, producer: null }), /producer/);
});

test('colour changes how a line looks, not what it says', () => {
  for (const [event, text] of shown) {
    const coloured = render(event, { colour: true });
    assert.notEqual(coloured, text);
    assert.equal(stripVTControlCharacters(coloured), text);
  }
});
