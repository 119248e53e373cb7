// A producer with a kept id is killed while a request of it is on its way; its successor resumes, and the request arrives late.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ClientError, LogClient, Producer } from '../../../src/client/index.ts';
import { sharedConsul } from '../../support/consul.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();
const ID = 42n;
const LATE = 'Message: 4';

/** The predecessor's next message, all of it but the end. `arrive` resolves with the status of its answer. */
async function lateRequest(t: TestContext, { api }: LoggerProcess) {
  const { hostname, port, host } = new URL(api);
  const socket = connect(Number(port), hostname);
  t.after(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  const head = [
    `POST /api/v1/log HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nContent-Length: ${LATE.length}`,
    `Producer-Id: ${ID}\r\nProducer-Epoch: 0\r\nProducer-Seq: 3\r\n\r\n`,
  ];
  socket.write(head.join('\r\n') + LATE.slice(0, 5));
  return {
    async arrive(): Promise<number> {
      socket.write(LATE.slice(5));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString())?.[1]);
    },
  };
}

/** Three messages are stored, and the successor knows of them. */
async function resumed(t: TestContext) {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  const before = new Producer({ target: loggers.apis, id: ID });
  for (let number = 1; number <= 3; number += 1) await before.send(`Message: ${number}`);
  await before.close();
  const late = await lateRequest(t, leader);
  const producer = new Producer({ target: loggers.apis, id: ID });
  t.after(() => producer.close({ signal: AbortSignal.abort(new Error('the test is over')) }));
  assert.equal((await producer.resume())?.lastOffset, 2);
  return { loggers, leader, producer, late };
}

async function values(loggers: Loggers): Promise<unknown[]> {
  const client = new LogClient({ target: loggers.apis });
  try {
    const { records } = await client.read({ limit: 100, linearizable: true });
    return records.map(({ value }) => value);
  } finally {
    await client.close();
  }
}

const FIVE = [1, 2, 3, 4, 5].map((number) => `Message: ${number}`);

test('a late request that arrives first is seen over a failover: nothing is stored beside it', async (t) => {
  const { loggers, leader, producer, late } = await resumed(t);
  assert.equal(await late.arrive(), 200);
  await leader.kill();
  await assert.rejects(producer.send(LATE), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.code, 'producer-moved');
    // Unknown where a first attempt was on its way to the leader that died: the client cannot see how far it came.
    assert.ok(['refused', 'unknown'].includes(error.outcome), error.outcome);
    assert.deepEqual([error.extra.knownEpoch, error.extra.lastSequence, error.extra.lastOffset], [0, 3, 3]);
    return true;
  });
  assert.equal((await producer.resume())?.lastOffset, 3);
  await producer.send('Message: 5');
  assert.deepEqual(await values(loggers), FIVE);
});

test('a late request that arrives last is fenced, by the old leader and by the next one', async (t) => {
  const { loggers, leader, producer, late } = await resumed(t);
  await producer.send(LATE);
  assert.equal(await late.arrive(), 409);
  await leader.kill();
  await producer.send('Message: 5');
  const next = await loggers.inSync(loggers.all.map(({ id }) => id));
  const again = await lateRequest(t, next);
  assert.equal(await again.arrive(), 409);
  assert.deepEqual(await values(loggers), FIVE);
});
