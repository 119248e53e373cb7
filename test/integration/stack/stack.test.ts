// The local stack with real processes and a real Consul.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../src/stack/consul-ports.ts';
import { testConsul } from '../../support/consul.ts';
import { assertEveryNumberOnce, recordsUpTo, runs, StackProcess, untilGone } from './stack-process.ts';

const numberIn = (message: string): number => Number(message.slice('Message: '.length).split(' ', 1)[0]);

test('a killed leader is followed by another, no number is skipped, and nothing is left behind', async (t) => {
  const stack = new StackProcess(t, ['--rate', '20']);
  const ready = await stack.event('ready');
  const apis = ready.loggers.map(({ api }) => api);
  assert.deepEqual(
    ready.loggers.map(({ id }) => id),
    ['logger-0', 'logger-1', 'logger-2'],
  );
  for (const { api, pid } of ready.loggers) {
    assert.match(api, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.ok(runs(pid));
  }
  assert.ok(ready.producer && runs(ready.producer.pid) && ready.consul.pid && runs(ready.consul.pid));
  assert.match(ready.consul.address, /^http:/);

  const first = await stack.event('leader');
  assert.ok(stack.events.indexOf(first) > stack.events.indexOf(ready));
  await stack.event('record', ({ value }) => value === 'Message: 5');
  const killed = ready.loggers.find(({ id }) => id === first.id);
  assert.ok(killed);
  const from = stack.events.length;
  process.kill(killed.pid, 'SIGKILL');
  const exit = await stack.event('exit', ({ id }) => id === first.id, from);
  assert.deepEqual([exit.code, exit.signal], [null, 'SIGKILL']);
  const second = await stack.event('leader', ({ epoch }) => epoch > first.epoch, from);
  assert.notEqual(second.id, first.id);
  const restarted = await stack.event('restarted', ({ id }) => id === first.id, from);
  assert.notEqual(restarted.pid, killed.pid);

  const sent = await stack.event('sent', () => true, stack.events.length);
  assertEveryNumberOnce(await recordsUpTo(apis, numberIn(sent.message)));

  stack.child.kill('SIGTERM');
  assert.deepEqual(await stack.exited, [0, null]);
  assert.equal(stack.events.at(-1)?.event, 'stopped');
  const warnings = stack.events.filter((event) => event.event === 'log' && /Warning/.test(event.message));
  assert.deepEqual(warnings, [], 'no process has a warning of Node to tell');
  assert.equal(stack.events.filter(({ event }) => event === 'stopping').length, 1);
  await untilGone(stack.pids());
  assert.equal(existsSync(ready.data), false);
});

test('when the stack itself is killed, its processes end, the frozen one too', async (t) => {
  const stack = new StackProcess(t, ['--rate', '5']);
  const { loggers, data } = await stack.event('ready');
  t.after(() => rm(data, { recursive: true, force: true }));
  process.kill(loggers[1]!.pid, 'SIGSTOP');
  stack.child.kill('SIGKILL');
  await untilGone(stack.pids());
});

test('with a directory, log and numbers go on where they were; rate 0 starts no producer', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'stack-test-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  const first = new StackProcess(t, ['--rate', '20', '--data', data]);
  const { epoch } = await first.event('leader');
  await first.event('record', ({ value }) => value === 'Message: 5');
  first.child.kill('SIGINT');
  assert.deepEqual(await first.exited, [0, null]);

  const second = new StackProcess(t, ['--rate', '20', '--data', data]);
  const { loggers } = await second.event('ready');
  assert.ok((await second.event('leader')).epoch > epoch);
  const sent = await second.event('sent');
  assert.ok(numberIn(sent.message) > 5);
  const apis = loggers.map(({ api }) => api);
  assertEveryNumberOnce(await recordsUpTo(apis, numberIn(sent.message)));
  second.child.kill('SIGTERM');
  await second.exited;

  const third = new StackProcess(t, ['--rate', '0', '--data', data]);
  assert.equal((await third.event('ready')).producer, null);
  await third.event('leader');
});

test('two stacks share a running Consul, and take their registers along', async (t) => {
  const consul = await testConsul(t);
  const url = consul.urls[0] as string;
  const stacks = [1, 2].map(() => new StackProcess(t, ['--nodes', '1', '--rate', '20', '--consul', url]));
  const clusters: string[] = [];
  for (const stack of stacks) {
    const ready = await stack.event('ready');
    assert.deepEqual(ready.consul, { pid: null, address: url });
    clusters.push(ready.cluster);
    await stack.event('record', ({ value }) => value === 'Message: 2');
  }
  assert.equal(new Set(clusters).size, 2);
  const keys = async (): Promise<unknown> => {
    const response = await fetch(`${url}/v1/kv/distributed-logger/?keys`);
    return response.status === 404 ? [] : response.json();
  };
  assert.deepEqual(await keys(), clusters.map((cluster) => `distributed-logger/${cluster}/leader`).sort());
  for (const stack of stacks) stack.child.kill('SIGTERM');
  for (const stack of stacks) assert.deepEqual(await stack.exited, [0, null]);
  assert.deepEqual(await keys(), []);
});

test('what is wrong is said, with an exit code of its own', async (t) => {
  const flags = new StackProcess(t, ['--nodes', '9']);
  assert.deepEqual(await flags.exited, [64, null]);
  assert.match(flags.errors, /--nodes is "9": it takes a whole number from 1 to 7[\s\S]*Usage: npm start/);

  const [port = 0] = await freePorts(1);
  const other = createServer();
  await once(other.listen(port, '127.0.0.1'), 'listening');
  t.after(() => other.close());
  const busy = new StackProcess(t, ['--base-port', String(port)]);
  assert.deepEqual(await busy.exited, [69, null]);
  assert.match(
    busy.errors,
    new RegExp(`ports in use by another process: ${port} \\(API of logger-0\\).*--base-port`),
  );

  const lost = new StackProcess(t, ['--consul', 'http://127.0.0.1:9']);
  assert.deepEqual(await lost.exited, [69, null]);
  assert.match(lost.errors, /no Consul with a leader answers at http:\/\/127\.0\.0\.1:9/);

  const file = new StackProcess(t, ['--data', fileURLToPath(import.meta.url)]);
  assert.deepEqual(await file.exited, [78, null]);
  assert.match(file.errors, /^wrong configuration: --data: uid \d+ cannot use .*\n$/);
});

test('a logger that ends at once ends the stack, with what it said last', async (t) => {
  const stack = new StackProcess(t, ['--nodes', '1'], { DLOG_SEGMENT_SIZE_BYTES: 'huge' });
  assert.deepEqual(await stack.exited, [69, null]);
  assert.match(
    stack.errors,
    /^logger-0 ended at once, with code 78; it said last:\n {2}wrong configuration: /,
  );
  const events = stack.events.map(({ event }) => event);
  assert.equal(events.at(-1), 'stopped');
  assert.ok(events.indexOf('log') < events.indexOf('exit'), 'its last line comes before its end');
});
