// Which beats make a message to the main thread, and which are counted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Beat } from '../../../src/replica/index.ts';
import { BeatReceiver } from '../../../src/replication/beat-receiver.ts';
import type { Heard } from '../../../src/replication/beat-words.ts';
import { encodeFrame } from '../../../src/replication/frames.ts';
import { HeardCounter, heardCounts } from '../../../src/replication/heard-counts.ts';
import { MAGIC, type OwnHello, VERSION } from '../../../src/replication/hello.ts';
import { QuietLog } from '../../../src/replication/quiet-log.ts';
import type { TurnWatch } from '../../../src/replication/turn-watch.ts';
import { until } from '../../support/until.ts';

const X: Beat = { promisedEpoch: 5, claim: { epoch: 5, incarnation: 'i' }, established: true };
const Y: Beat = { promisedEpoch: 6, claim: null, established: false };
const COUNT = 1;

const helloOf = (id: string): OwnHello => ({
  type: 'hello',
  magic: MAGIC,
  version: VERSION,
  cluster: 'test',
  id,
  uid: `uid-${id}`,
  peer: '127.0.0.1:1',
  boot: `boot-${id}`,
  beatPort: 1,
});

/** A receiver, and a logger that has said hello to it. */
async function connected(t: TestContext, watch = { stuck: false }) {
  const counts = heardCounts();
  const passed: Heard[] = [];
  const quiet = new QuietLog({ info: () => {}, warn: () => {}, error: () => {} });
  const receiver = new BeatReceiver({
    log: quiet,
    watch: watch as TurnWatch,
    heartbeatMs: 50,
    counter: new HeardCounter(counts),
    pass: (beats) => passed.push(...beats),
    heardLeader: () => {},
    missed: () => {},
  });
  const server = createServer((socket) => receiver.accept(socket, helloOf('receiver')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  say(socket, { ...helloOf('sender'), kind: 'beat', to: 'receiver' });
  await once(socket, 'data');
  socket.setNoDelay(true);
  return {
    receiver,
    socket,
    passed: () => passed.map(({ beat }) => beat),
    count: () => Atomics.load(new Int32Array(counts), COUNT),
  };
}

const frameOf = (header: object): Buffer => Buffer.concat(encodeFrame(header));
const say = (socket: Socket, header: object): void => void socket.write(frameOf(header));
const beat = (beat: object, echoMs: number | null = null): object => ({ type: 'beat', beat, echoMs });

test('a beat that says something new is passed on, and one that repeats it counted, however it comes', async (t) => {
  const { socket, passed, count } = await connected(t);
  say(socket, beat(X));
  await until('the first is passed on', () => passed().length === 1);
  say(socket, beat(X));
  await until('the same bytes count', () => count() === 1);
  say(socket, beat(X, 1.5));
  await until('a question for an echo counts', () => count() === 2);
  say(socket, beat({ ...X, of: 'a later version' }));
  await until('other bytes that say the same count', () => count() === 3);
  const bytes = frameOf(beat(X));
  socket.write(Buffer.concat([bytes, bytes, bytes.subarray(0, 20)]));
  await until('two at once count', () => count() === 5);
  socket.write(Buffer.concat([bytes.subarray(20)]));
  await until('one in pieces counts', () => count() === 6);
  // What looks like a whole beat is the middle of a larger frame.
  const holder = frameOf({ ...beat(X), more: 'x'.repeat(200) });
  const at = holder.length - 100;
  socket.write(holder.subarray(0, at));
  say(socket, beat(X));
  socket.write(holder.subarray(at));
  await once(socket, 'close');
  assert.equal(count(), 6);
  assert.deepEqual(passed(), [X]);
});

test('each change is passed on, there and back', async (t) => {
  const { socket, passed } = await connected(t);
  for (const [said, one] of [X, Y, X].entries()) {
    say(socket, beat(one));
    await until('it is passed on', () => passed().length === said + 1);
  }
  assert.deepEqual(passed(), [X, Y, X]);
});

test('while the main thread is stuck the latest change waits, unless it is taken back', async (t) => {
  const watch = { stuck: false };
  const { receiver, socket, passed, count } = await connected(t, watch);
  say(socket, beat(X));
  await until('the first is passed on', () => passed().length === 1);
  watch.stuck = true;
  say(socket, beat(Y));
  say(socket, beat(X));
  await until('the old is heard again', () => count() === 1);
  watch.stuck = false;
  receiver.check();
  assert.deepEqual(passed(), [X]);
  watch.stuck = true;
  say(socket, beat(Y));
  say(socket, beat(Y, 1.5));
  await once(socket, 'data');
  assert.deepEqual(passed(), [X]);
  watch.stuck = false;
  receiver.check();
  assert.deepEqual(passed(), [X, Y]);
});
