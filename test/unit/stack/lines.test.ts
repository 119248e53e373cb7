import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meaningOf } from '../../../src/stack/lines.ts';

const meaning = (fields: object, id = 'logger-0') =>
  meaningOf(id, JSON.stringify({ level: 30, time: 1, id, ...fields }), 'stdout');

test('a printed record', () => {
  assert.deepEqual(meaning({ msg: 'Received Message: 7', offset: 6, epoch: 2 }), {
    event: { event: 'record', id: 'logger-0', offset: 6, epoch: 2, value: 'Message: 7' },
    leads: null,
    started: false,
  });
});

test('a record that is not text', () => {
  const { event } = meaning({ msg: 'Received 2 bytes', offset: 6, epoch: 2, base64: '/w8=' });
  assert.deepEqual(event, {
    event: 'record',
    id: 'logger-0',
    offset: 6,
    epoch: 2,
    value: '/w8=',
    base64: true,
  });
});

test('an acknowledgement', () => {
  const { event } = meaning(
    { msg: 'Sent Message: 7', offset: 6, attempts: 2, ms: 3.5, count: 1 },
    'producer',
  );
  assert.deepEqual(event, {
    event: 'sent',
    id: 'producer',
    message: 'Message: 7',
    offset: 6,
    attempts: 2,
    ms: 3.5,
  });
});

test('leadership and readiness', () => {
  assert.equal(meaning({ event: 'leading', epoch: 3, msg: 'Leading in epoch 3' }).leads, 3);
  assert.equal(meaning({ event: 'started', msg: 'Started' }).started, true);
  assert.equal(meaning({ event: 'following', epoch: 3, msg: 'Following' }).leads, null);
});

test('other lines, with the logger they are about', () => {
  const { event } = meaning({ level: 40, msg: 'cannot reach a logger', peer: 'logger-2' });
  assert.deepEqual(event, {
    event: 'log',
    id: 'logger-0',
    level: 40,
    message: 'cannot reach a logger (logger-2)',
  });
});

for (const line of ['Error: no', '{"level":30}', 'null', '{', '[1]'])
  test(`a line that is no log line is shown as an error: ${line}`, () => {
    const { event } = meaningOf('logger-0', line, 'stdout');
    assert.deepEqual(event, { event: 'log', id: 'logger-0', level: 50, message: line });
  });

test('stderr is never taken for a log line', () => {
  assert.equal(meaningOf('a', '{"level":30,"msg":"x"}', 'stderr').event.event, 'log');
  assert.equal(meaningOf('a', '{"level":30,"msg":"x","event":"started"}', 'stderr').started, false);
});
