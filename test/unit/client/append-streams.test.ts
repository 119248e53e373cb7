// Appends over a stream: it comes once appends go well, it carries what requests carried, and whatever breaks on it is repeated by
// requests, in order and once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Producer, ProducerOptions } from '../../../src/client/index.ts';
import { Authority } from '../../support/authority.ts';
import { eventually } from '../../support/eventually.ts';
import { chances, large, nameIn, names, producerFor, Rules, settled, troubled } from './batches.ts';
import {
  answer,
  type Owner,
  problem,
  type Received,
  redirect,
  reset,
  ScriptedLogger,
  type Step,
} from './scripted-logger.ts';

const ENOUGH = 10;
const first = Array.from({ length: ENOUGH }, (_, number) => `first${number}`);

/** A producer whose batches go over a stream from now on. */
async function streaming(t: Owner, rules: Rules, options: Partial<ProducerOptions> = {}) {
  const logger = await ScriptedLogger.start(t, [], rules.step);
  logger.offerStreams();
  const { producer, retries } = producerFor(t, logger.url, options);
  for (const name of first) await producer.send(name);
  await eventually('a stream is opened', () => logger.streams === 1);
  // It was opened there; here it may be a moment later.
  await eventually('a batch goes over a stream', async () => {
    await producer.send('more');
    return logger.received.at(-1)?.streamed === true;
  });
  const before = [...rules.stored];
  return { logger, producer, retries, before };
}

const sendAll = (producer: Producer, all: readonly string[]) =>
  settled(all.map((name) => producer.send(name)));
const from = (before: readonly string[], all: readonly string[]) =>
  all.map((_, index) => before.length + index);

test('after some acknowledgements small batches go over a stream, one at a time, in their order', async (t) => {
  const rules = new Rules();
  const { logger, producer, before } = await streaming(t, rules);
  assert.ok(logger.received.slice(0, ENOUGH).every(({ streamed }) => !streamed));
  const count = logger.received.length;
  const held: Received[] = [];
  logger.script = [(received) => void held.push(received)];
  const first = sendAll(producer, ['a']);
  await eventually('the first has come', () => held.length === 1);
  const others = sendAll(producer, ['b', 'c']);
  for (const received of held) await rules.step(received);
  assert.deepEqual([...(await first), ...(await others)], from(before, ['a', 'b', 'c']));
  const received = logger.received.slice(count);
  assert.deepEqual(received.map(nameIn), ['a', 'b,c']);
  assert.ok(received.every(({ streamed }) => streamed));
  assert.equal(logger.streams, 1);
});

test('large batches go by requests, several at a time, and never beside one on the stream', async (t) => {
  const rules = new Rules();
  const { logger, producer, before } = await streaming(t, rules);
  const held: Received[] = [];
  logger.otherwise = (received) => void held.push(received);
  const small = sendAll(producer, ['small']);
  await eventually('the small one has come', () => held.length === 1);
  const sent = settled(names.map((name) => producer.send(large(name))));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(held.length, 1);
  await rules.step(held.shift() as Received);
  await eventually('five requests are under way', () => held.length === 5);
  assert.ok(held.every(({ streamed }) => !streamed));
  logger.otherwise = rules.step;
  for (const received of held) await rules.step(received);
  assert.deepEqual([...(await small), ...(await sent)], from(before, ['small', ...names]));
  assert.equal(rules.gaps, 0);
  assert.deepEqual(await sendAll(producer, ['last']), [rules.stored.length - 1]);
  assert.equal(logger.received.at(-1)?.streamed, true);
});

test('an acknowledgement over a stream has the epoch and the one attempt that it took', async (t) => {
  const { producer, before } = await streaming(t, new Rules());
  assert.deepEqual(await producer.send('a'), { offset: before.length, count: 1, epoch: 1, attempts: 1 });
});

test('loggers that have no streams are asked once, and served by requests', async (t) => {
  const rules = new Rules();
  const logger = await ScriptedLogger.start(t, [], rules.step);
  const { producer } = producerFor(t, logger.url);
  for (const name of [...first, ...first, ...first]) await producer.send(name);
  assert.equal(logger.refusedStreams, 1);
  assert.deepEqual(rules.stored, [...first, ...first, ...first]);
});

test('authorities that are of no use spoil the stream, and not the requests under way', async (t) => {
  const rules = new Rules();
  const ours = await Authority.make('ours');
  const logger = await ScriptedLogger.start(t, [], rules.step, await ours.certificate('logger'));
  logger.offerStreams();
  let ca = ours.ca;
  const { producer } = producerFor(t, logger.url, { ca: () => ca });
  await producer.send('first');
  ca = '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----';
  for (const name of [...first, ...first]) await producer.send(name);
  assert.equal(logger.streams, 0);
  assert.deepEqual(rules.stored, ['first', ...first, ...first]);
});

test('what is refused on the stream for now is repeated by a request', async (t) => {
  const rules = new Rules();
  const { logger, producer, before, retries } = await streaming(t, rules);
  const count = logger.received.length;
  logger.script = [problem('overloaded', { retryAfterMs: 5 })];
  assert.deepEqual(await sendAll(producer, ['a']), from(before, ['a']));
  assert.deepEqual(await sendAll(producer, ['b']), from([...before, 'a'], ['b']));
  assert.equal(producer.epoch, 0);
  assert.deepEqual(
    retries.map(({ reason }) => reason),
    ['overloaded'],
  );
  assert.deepEqual(
    logger.received.slice(count).map(({ streamed }) => streamed),
    [true, false, true],
  );
});

test('a leader that stops is left: what it refuses goes where it says, and a stream to there comes later', async (t) => {
  const rules = new Rules();
  const { logger: old, producer, before } = await streaming(t, rules);
  const next = await ScriptedLogger.start(t, [], rules.step);
  next.offerStreams();
  old.otherwise = redirect(() => next.url);
  const oldStreamed = old.received.length;
  assert.deepEqual(await sendAll(producer, names), from(before, names));
  assert.deepEqual(rules.stored, [...before, ...names]);
  assert.equal(old.received.length, oldStreamed + 1);
  for (const name of [...first, ...first]) await producer.send(name);
  await eventually('a stream is opened', () => next.streams === 1);
  await producer.send('last');
  assert.equal(next.received.at(-1)?.streamed, true);
});

test('a stream that breaks loses nothing, stores nothing twice, and is opened again later', async (t) => {
  const rules = new Rules();
  const { logger, producer, before } = await streaming(t, rules);
  const storeAndBreak: Step = async (received) => {
    // The answer is lost, the deed is done.
    const mute = { ...received, response: { writeHead: () => mute.response, end: () => {} } as never };
    await rules.step(mute);
    reset(received);
  };
  logger.script = [rules.step, storeAndBreak];
  assert.deepEqual(await sendAll(producer, names), from(before, names));
  assert.deepEqual(rules.stored, [...before, ...names]);
  for (const name of [...first, ...first]) await producer.send(name);
  await eventually('a stream is opened', () => logger.streams === 2);
});

test('a stream that is closed while nothing is under way is nothing to tell', async (t) => {
  const rules = new Rules();
  const { logger, producer, before, retries } = await streaming(t, rules);
  logger.closeStreams();
  await eventually('the stream is closed', () => logger.openStreams === 0);
  assert.deepEqual(await sendAll(producer, ['a']), [before.length]);
  assert.deepEqual(retries, []);
});

test('an answer that makes no sense is repeated by a request', async (t) => {
  for (const nonsense of [
    { offset: 1 },
    { offset: 0, count: 2, epoch: 1 },
    { status: 'x', headers: {}, body: {} },
  ]) {
    const rules = new Rules();
    const { logger, producer, before, retries } = await streaming(t, rules);
    logger.script = [answer(200, nonsense)];
    assert.deepEqual(await sendAll(producer, ['a']), [before.length]);
    assert.deepEqual(
      retries.map(({ reason }) => reason),
      ['bad-answer'],
    );
  }
});

test('a leader that is silent on a stream is left when others name another one', async (t) => {
  const rules = new Rules();
  const next = await ScriptedLogger.start(t, [], rules.step);
  const logger = await ScriptedLogger.start(t, [], rules.step);
  logger.offerStreams();
  const { producer, retries } = producerFor(t, [logger.url, next.url]);
  for (const name of [...first, ...first]) await producer.send(name);
  await eventually('a batch goes over a stream', async () => {
    await producer.send('more');
    return logger.received.at(-1)?.streamed === true;
  });
  const before = [...rules.stored];
  logger.otherwise = () => {};
  next.status = { epoch: 2, leader: { api: next.url } };
  assert.deepEqual(await sendAll(producer, ['a', 'b', 'c']), from(before, ['a', 'b', 'c']));
  assert.ok(retries.some(({ reason, url }) => reason === 'superseded' && url === logger.url));
  assert.ok(next.received.map(nameIn).join().split(',').includes('a'));
});

test('a stream without an answer in time is given up, and the batch repeated', async (t) => {
  const rules = new Rules();
  const { logger, producer, before, retries } = await streaming(t, rules, { requestTimeoutMs: 300 });
  logger.script = [() => {}];
  assert.deepEqual(await sendAll(producer, ['a']), [before.length]);
  assert.deepEqual(
    retries.map(({ reason }) => reason),
    ['timeout'],
  );
});

test('a token that was replaced is shown by a request when the stream is refused for the old one', async (t) => {
  const rules = new Rules();
  let token = 'old-old-old-old-old';
  const { logger, producer, before, retries } = await streaming(t, rules, { token: () => token });
  token = 'new-new-new-new-new';
  logger.otherwise = (received) =>
    received.streamed ? problem('unauthorized')(received) : rules.step(received);
  assert.deepEqual(await sendAll(producer, ['a']), [before.length]);
  assert.equal(logger.received.at(-1)?.headers.authorization, `Bearer ${token}`);
  assert.deepEqual(retries, []);
});

test('a refusal for good comes through a stream as through a request, and what follows goes on', async (t) => {
  const rules = new Rules();
  const { logger, producer, before } = await streaming(t, rules);
  logger.otherwise = (received) =>
    nameIn(received).includes('b') ? problem('record-too-large')(received) : rules.step(received);
  assert.deepEqual(await sendAll(producer, ['a', 'b']), [before.length, 'record-too-large refused']);
  assert.deepEqual(await sendAll(producer, ['c']), from([...before, 'a'], ['c']));
  assert.equal(logger.received.at(-1)?.streamed, true);
});

test('a close that gives up leaves what is under way on a stream unknown, and closes it', async (t) => {
  const rules = new Rules();
  const { logger, producer } = await streaming(t, rules);
  const count = logger.received.length;
  logger.otherwise = () => {};
  const sent = sendAll(producer, ['a']);
  await eventually('the batch has come', () => logger.received.length === count + 1);
  const behind = sendAll(producer, ['b']);
  const closing = producer.close({ signal: AbortSignal.abort(new Error('enough')) });
  assert.deepEqual([await sent, await behind], [['aborted unknown'], ['aborted refused']]);
  await closing;
  await eventually('the stream is closed', () => logger.openStreams === 0);
});

test('a send that is given up on a stream is unknown', async (t) => {
  const rules = new Rules();
  const { logger, producer, retries } = await streaming(t, rules);
  const count = logger.received.length;
  const held: Received[] = [];
  logger.script = [(received) => void held.push(received)];
  const giveUp = new AbortController();
  const sent = producer.send('a', { signal: giveUp.signal });
  await eventually('the batches have come', () => logger.received.length === count + 1);
  giveUp.abort(new Error('enough'));
  assert.deepEqual(await settled([sent]), ['aborted unknown']);
  assert.deepEqual(retries, []);
});

test('a program that has nothing under way may end, a stream or not', async (t) => {
  const logger = await ScriptedLogger.start(t, [], new Rules().step);
  logger.offerStreams();
  const client = new URL('../../../src/client/index.ts', import.meta.url).href;
  const program = `
    import { Producer } from ${JSON.stringify(client)};
    const producer = new Producer({ target: ${JSON.stringify(logger.url)} });
    for (let sent = 0; sent < 100; sent += 1) await producer.send('a');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  const timer = setTimeout(() => child.kill(), 30_000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  assert.equal(code, 0);
  assert.equal(logger.received.at(-1)?.streamed, true);
});

test('over a dial of its own a client uses requests alone', async (t) => {
  const rules = new Rules();
  const { connect } = await import('node:net');
  const logger = await ScriptedLogger.start(t, [], rules.step);
  logger.offerStreams();
  const dial = async (host: string, port: number) => {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return socket;
  };
  const { producer } = producerFor(t, logger.url, { dial });
  for (const name of [...first, ...first]) await producer.send(name);
  assert.equal(logger.streams, 0);
});

test('at random: whatever breaks on streams and requests, what is acknowledged is stored once, at its offset, in order', async (t) => {
  let streams = 0;
  for (let run = 1; run <= 10; run += 1) {
    const rules = new Rules();
    const chance = chances(Number(process.env.SEED ?? run));
    const { logger, producer, before } = await streaming(t, rules);
    logger.otherwise = troubled(rules, chance, 0.02, 0.01);
    const all = Array.from({ length: 300 }, (_, number) => `n${number}`);
    const sent: Promise<{ offset: number }>[] = [];
    for (const name of all) {
      await producer.room();
      sent.push(producer.send(chance() < 0.1 ? large(name) : name));
      if (chance() < 0.5) await sent.at(-1);
    }
    assert.deepEqual(await settled(sent), from(before, all));
    assert.deepEqual(rules.stored, [...before, ...all]);
    streams += logger.streams;
  }
  assert.ok(streams > 10, 'no stream was opened again');
});
