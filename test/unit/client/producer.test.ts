import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Acknowledgement,
  ClientError,
  LogClient,
  type ProducerOptions,
} from '../../../src/client/index.ts';
import { producerFor as producerWith } from './batches.ts';
import {
  acknowledge,
  answer,
  type Owner,
  problem,
  type Received,
  recordsIn,
  redirect,
  reset,
  resetMidBody,
  ScriptedLogger,
  type Step,
  silence,
  stampIn,
  valuesIn,
} from './scripted-logger.ts';

/** What a producer gets in these tests: quick deadlines, so that silence is noticed soon. */
function producerFor(
  owner: Owner,
  target: string | readonly string[],
  options: Partial<ProducerOptions> = {},
) {
  return producerWith(owner, target, { requestTimeoutMs: 5_000, retryMaxMs: 50, ...options });
}

const failure = async (promise: Promise<unknown>): Promise<ClientError> => {
  const error = await promise.then(
    () => assert.fail('it should have been rejected'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ClientError, String(error));
  return error;
};

/** A latch that a test opens from the inside of a step. */
function latch(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('a record is sent with its stamp and acknowledged with its offset', async (t) => {
  const logger = await ScriptedLogger.start(t, [], acknowledge({ end: 41, epoch: 3 }));
  const { producer } = producerFor(t, logger.url);
  const first = await producer.send('hello');
  assert.deepEqual(first, { offset: 41, count: 1, epoch: 3, attempts: 1 });
  assert.equal((await producer.send(['a', { key: 'k', value: Buffer.from([0xff]) }])).offset, 42);
  const [one, two] = logger.received as [Received, Received];
  assert.deepEqual(stampIn(one), { id: '7', epoch: 0, sequence: 0 });
  assert.deepEqual(stampIn(two), { id: '7', epoch: 0, sequence: 1 });
  assert.equal(one.headers['content-type'], 'application/vnd.distributed-logger.batch');
  assert.deepEqual(
    recordsIn(two).map(({ key, value }) => [key?.toString(), value]),
    [
      [undefined, Buffer.from('a')],
      ['k', Buffer.from([0xff])],
    ],
  );
});

test('sends made while one is in flight share the next request, in order', async (t) => {
  const held = latch();
  const store = { end: 0 };
  const logger = await ScriptedLogger.start(
    t,
    [async (received) => held.opened.then(() => acknowledge(store)(received))],
    acknowledge(store),
  );
  const { producer } = producerFor(t, logger.url);
  const sent: Promise<Acknowledgement>[] = [producer.send('0')];
  while (logger.received.length === 0) await new Promise(setImmediate);
  for (let number = 1; number < 10; number++) {
    sent.push(producer.send(String(number)));
    await new Promise(setImmediate);
  }
  held.open();
  assert.deepEqual(
    (await Promise.all(sent)).map(({ offset }) => offset),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(logger.received.map(valuesIn), [['0'], ['1', '2', '3', '4', '5', '6', '7', '8', '9']]);
  assert.deepEqual(stampIn(logger.received[1] as Received), { id: '7', epoch: 0, sequence: 1 });
});

test('a batch that is full goes out beside the one in flight', async (t) => {
  const held = latch();
  const store = { end: 0 };
  const waits: Step = async (received) => held.opened.then(() => acknowledge(store)(received));
  const logger = await ScriptedLogger.start(t, [acknowledge(store), waits], acknowledge(store));
  const { producer } = producerFor(t, logger.url);
  await producer.send('on a connection that stands');
  const sent = [producer.send('1')];
  while (logger.received.length === 1) await new Promise(setImmediate);
  sent.push(producer.send(Buffer.alloc(600 * 1024)), producer.send('3'));
  while (logger.received.length === 2) await new Promise(setImmediate);
  held.open();
  assert.ok((await Promise.all(sent)).every(({ attempts }) => attempts === 1));
  assert.deepEqual(
    logger.received.map((one) => recordsIn(one).length),
    [1, 1, 1, 1],
  );
});

const repeated: { what: string; step: Step; reason: string }[] = [
  { what: 'the connection is reset', step: reset, reason: 'connection-lost' },
  { what: 'the answer breaks off', step: resetMidBody, reason: 'connection-lost' },
  { what: 'there is no leader', step: problem('no-leader', { retryAfterMs: 10 }), reason: 'no-leader' },
  { what: 'leadership ended meanwhile', step: problem('outcome-unknown'), reason: 'outcome-unknown' },
  { what: 'too much waits', step: problem('overloaded'), reason: 'overloaded' },
  { what: 'a proxy answers 502', step: answer(502, 'bad gateway'), reason: 'bad-answer' },
  { what: 'another server answers 200', step: answer(200, '<html>welcome</html>'), reason: 'bad-answer' },
  {
    what: 'the answer counts another batch',
    step: answer(200, { offset: 0, count: 2, epoch: 1 }),
    reason: 'bad-answer',
  },
  {
    what: 'the logger names itself as the leader',
    step: (r) => redirect(() => `http://${r.headers.host}`)(r),
    reason: 'redirect-loop',
  },
];
for (const { what, step, reason } of repeated)
  test(`the same request is made again when ${what}`, async (t) => {
    const logger = await ScriptedLogger.start(t, [step]);
    const { producer, retries } = producerFor(t, logger.url);
    const { attempts } = await producer.send('hello');
    assert.equal(attempts, 2);
    const [first, second] = logger.received as [Received, Received];
    assert.deepEqual(stampIn(second), stampIn(first));
    assert.deepEqual(second.body, first.body);
    assert.deepEqual(
      retries.map((retry) => ({ reason: retry.reason, attempt: retry.attempt, url: retry.url })),
      [{ reason, attempt: 1, url: logger.url }],
    );
  });

test('an answer lost after the deed is asked for again with the same sequence', async (t) => {
  const stored = new Map<number, string[]>();
  const store: Step = (received) => {
    const { sequence } = stampIn(received);
    if (!stored.has(sequence)) stored.set(sequence, valuesIn(received));
    answer(200, { offset: sequence, count: 1, epoch: 1 })(received);
  };
  const loseAnswer: Step = (received) => {
    stored.set(stampIn(received).sequence, valuesIn(received));
    reset(received);
  };
  const logger = await ScriptedLogger.start(t, [loseAnswer, store, loseAnswer], store);
  const { producer } = producerFor(t, logger.url);
  for (const text of ['a', 'b', 'c']) await producer.send(text);
  assert.deepEqual([...stored.values()].flat(), ['a', 'b', 'c']);
});

test('a redirect is followed and remembered', async (t) => {
  const leader = await ScriptedLogger.start(t);
  const follower = await ScriptedLogger.start(
    t,
    [],
    redirect(() => leader.url),
  );
  const { producer } = producerFor(t, follower.url);
  assert.equal((await producer.send('a')).attempts, 2);
  assert.equal((await producer.send('b')).attempts, 1);
  assert.equal(follower.received.length, 1);
  assert.deepEqual(leader.received.map(valuesIn), [['a'], ['b']]);
});

test('two loggers that name each other are asked again and again, with waits, until one leads', async (t) => {
  const a: ScriptedLogger = await ScriptedLogger.start(
    t,
    [],
    redirect(() => b.url),
  );
  const b: ScriptedLogger = await ScriptedLogger.start(
    t,
    [],
    redirect(() => a.url),
  );
  const { producer, retries } = producerFor(t, [a.url, b.url]);
  const sent = producer.send('hello');
  while (!retries.some(({ reason }) => reason === 'redirect-loop')) await new Promise(setImmediate);
  a.otherwise = acknowledge();
  const { attempts } = await sent;
  assert.ok(attempts < 100, `${attempts} attempts: the loop must be slowed down`);
});

test('a leader that died is left at once, for the next of the given addresses', async (t) => {
  const store = { end: 0 };
  const [a, b] = [
    await ScriptedLogger.start(t, [], acknowledge(store)),
    await ScriptedLogger.start(t, [], acknowledge(store)),
  ];
  const { producer, retries } = producerFor(t, [a.url, b.url]);
  await producer.send('a');
  await a.stop();
  assert.equal((await producer.send('b')).offset, 1);
  assert.equal(retries.length, 1);
  assert.match(String(retries[0]?.reason), /^conne/);
  assert.deepEqual(b.received.map(stampIn), [{ id: '7', epoch: 0, sequence: 1 }]);
});

test('a redirect to a dead leader leads back to the given address', async (t) => {
  const dead = await ScriptedLogger.start(t);
  await dead.stop();
  const deadUrl = 'http://127.0.0.1:9';
  const logger = await ScriptedLogger.start(t, [redirect(() => deadUrl)]);
  const { producer, retries } = producerFor(t, logger.url);
  assert.equal((await producer.send('a')).attempts, 3);
  assert.deepEqual(
    retries.map(({ url, reason }) => [url, reason]),
    [[deadUrl, 'connect-failed']],
  );
});

test('a frozen leader is left for the one that another logger names, long before the deadline', async (t) => {
  const store = { end: 1, epoch: 2 };
  const next = await ScriptedLogger.start(t, [], acknowledge(store));
  const frozen = await ScriptedLogger.start(t, [acknowledge({ end: 0, epoch: 1 })], silence);
  next.status = { id: 'b', role: 'leader', epoch: 1, leader: { id: 'a', api: frozen.url } };
  const { producer, retries } = producerFor(t, [frozen.url, next.url], { requestTimeoutMs: 600_000 });
  await producer.send('a');
  const sent = producer.send('b');
  while (frozen.appends().length < 2) await new Promise(setImmediate);
  next.status = { id: 'b', role: 'leader', epoch: 2, leader: { id: 'b', api: next.url } };
  assert.deepEqual(await sent, { offset: 1, count: 1, epoch: 2, attempts: 2 });
  assert.deepEqual(
    retries.map(({ reason }) => reason),
    ['superseded'],
  );
  assert.deepEqual(stampIn(next.received[0] as Received), { id: '7', epoch: 0, sequence: 1 });
});

/** A status as a logger of two gives it. */
const statusOf = (epoch: number, leader: string | null, loggers: readonly string[]) => ({
  id: 'a',
  role: 'leader',
  epoch,
  leader: leader === null ? null : { id: 'a', api: leader },
  members: loggers.map((api, index) => ({ id: `logger-${index}`, api })),
});

/** A Service in front of the leader, which is known by its own address too, and another logger that is not a target. */
async function behindService(t: Owner, silent: boolean) {
  const store = { end: 1, epoch: 2 };
  const next = await ScriptedLogger.start(t, [], acknowledge(store));
  const service = await ScriptedLogger.start(
    t,
    [acknowledge({ end: 0, epoch: 1 })],
    silent ? silence : reset,
  );
  const loggers = ['http://127.0.0.1:1', next.url];
  service.status = statusOf(1, service.url, loggers);
  next.status = statusOf(1, service.url, loggers);
  return { service, next, loggers };
}

for (const [how, silent] of [
  ['answers nothing', true],
  ['breaks every connection', false],
] as const)
  test(`the only address ${how}: the next leader is found by what a status told of the loggers`, async (t) => {
    const { service, next, loggers } = await behindService(t, silent);
    const { producer } = producerFor(t, service.url, { requestTimeoutMs: 600_000, retryMaxMs: 600_000 });
    await producer.send('a');
    while (producer.client.connection.knownAddresses.length < 3) await new Promise(setImmediate);
    service.status = null;
    const sent = producer.send('b');
    while (service.appends().length < 2) await new Promise(setImmediate);
    next.status = statusOf(2, next.url, loggers);
    assert.equal((await sent).epoch, 2);
    assert.deepEqual(stampIn(next.appends()[0] as Received), { id: '7', epoch: 0, sequence: 1 });
  });

test('a logger that knows no new leader yet is asked once, and answers when it does', async (t) => {
  const { service, next, loggers } = await behindService(t, false);
  next.held = [];
  const { producer } = producerFor(t, service.url, { requestTimeoutMs: 600_000, retryMaxMs: 600_000 });
  await producer.send('a');
  while (producer.client.connection.knownAddresses.length < 3) await new Promise(setImmediate);
  service.status = null;
  const sent = [producer.send('b'), producer.send('c')];
  while (next.held.length === 0) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(next.asked, ['/api/v1/status', '/api/v1/status?wait=250ms&epoch-above=1']);
  next.status = statusOf(2, next.url, loggers);
  for (const answer of next.held) answer();
  assert.deepEqual(
    (await Promise.all(sent)).map(({ epoch }) => epoch),
    [2, 2],
  );
});

test('a logger of before, which refuses to wait, is asked plainly again', async (t) => {
  const { service, next, loggers } = await behindService(t, false);
  next.refusesWaits = true;
  const { producer } = producerFor(t, service.url, { requestTimeoutMs: 600_000, retryMaxMs: 600_000 });
  await producer.send('a');
  while (producer.client.connection.knownAddresses.length < 3) await new Promise(setImmediate);
  service.status = null;
  const sent = producer.send('b');
  while (next.asked.length < 2) await new Promise(setImmediate);
  next.status = statusOf(2, next.url, loggers);
  assert.equal((await sent).epoch, 2);
});

test('a status whose addresses make no sense teaches nothing', async (t) => {
  const logger = await ScriptedLogger.start(t);
  const members = [null, {}, { api: null }, { api: 'ftp://a' }];
  logger.status = { id: 'a', role: 'leader', epoch: 1, leader: { api: 7 }, members };
  const { producer } = producerFor(t, logger.url);
  await producer.send('a');
  // Nor is it handed out: it is asked for again until the caller gives up.
  await assert.rejects(producer.client.status({ signal: AbortSignal.timeout(200) }), { code: 'aborted' });
  assert.deepEqual(producer.client.connection.knownAddresses, [logger.url]);
});

test('a silent logger is left at the deadline', async (t) => {
  const logger = await ScriptedLogger.start(t, [silence]);
  const { producer, retries } = producerFor(t, logger.url, { requestTimeoutMs: 50 });
  await producer.send('a');
  assert.deepEqual(
    retries.map(({ reason }) => reason),
    ['timeout'],
  );
});

test('Retry-After is honoured in milliseconds', async (t) => {
  const times: number[] = [];
  const note =
    (step: Step): Step =>
    (received) => {
      times.push(performance.now());
      return step(received);
    };
  const logger = await ScriptedLogger.start(
    t,
    [note(problem('no-leader', { retryAfterMs: 40 }))],
    note(acknowledge()),
  );
  const { producer } = producerFor(t, logger.url);
  await producer.send('a');
  // Timers may fire a fraction of a millisecond early.
  assert.ok((times[1] as number) - (times[0] as number) >= 39);
});

for (const code of [
  'producer-fenced',
  'producer-moved',
  'sequence-gap',
  'sequence-conflict',
  'unknown-producer',
] as const)
  test(`${code} ends the epoch: nothing is sent until resume, which begins the next one`, async (t) => {
    const logger = await ScriptedLogger.start(t, [acknowledge(), problem(code)]);
    const { producer } = producerFor(t, logger.url);
    await producer.send('a');
    const [b, c] = [failure(producer.send('b')), failure(producer.send('c'))];
    assert.equal((await b).code, code);
    assert.equal((await c).code, code);
    const later = await failure(producer.send('d'));
    assert.deepEqual([later.code, later.outcome], [code, 'refused']);
    logger.script.push(answer(200, { id: '7', epoch: 4, lastSequence: 9, lastOffset: 99 }));
    assert.deepEqual(await producer.resume(), { id: '7', epoch: 4, lastSequence: 9, lastOffset: 99 });
    await producer.send('e');
    assert.equal(logger.received.at(-2)?.url, '/api/v1/producers/7');
    assert.deepEqual(stampIn(logger.received.at(-1) as Received), { id: '7', epoch: 5, sequence: 0 });
  });

test('the first batch that may be stored after a resume names what was found, and no other does', async (t) => {
  const known = { id: '7', epoch: 4, lastSequence: 9, lastOffset: 99 };
  const logger = await ScriptedLogger.start(t, [answer(200, known), problem('unauthorized')]);
  const { producer } = producerFor(t, logger.url);
  await producer.resume();
  assert.equal((await failure(producer.send('refused'))).outcome, 'refused');
  await producer.send('first');
  await producer.send('second');
  assert.deepEqual(
    logger.appends().map(({ headers }) => headers['producer-after']),
    ['4/9', '4/9', undefined],
  );
});

test('resuming a producer that the log does not know begins with the next epoch of its own', async (t) => {
  const logger = await ScriptedLogger.start(t, [
    problem('unknown-producer'),
    acknowledge(),
    problem('unknown-producer'),
  ]);
  const { producer } = producerFor(t, logger.url);
  assert.equal(await producer.resume(), null);
  assert.equal(producer.epoch, 0);
  await producer.send('a');
  assert.equal(logger.appends()[0]?.headers['producer-after'], 'none');
  assert.equal(await producer.resume(), null);
  assert.equal(producer.epoch, 1);
});

test('a refusal for one record leaves the others of the same request alone', async (t) => {
  const store = { end: 0 };
  const refuseBad: Step = (received) =>
    valuesIn(received).includes('bad') ? problem('record-too-large')(received) : acknowledge(store)(received);
  const logger = await ScriptedLogger.start(t, [], refuseBad);
  const { producer } = producerFor(t, logger.url);
  const sent = ['a', 'b', 'bad', 'c', 'd'].map((text) => producer.send(text));
  assert.deepEqual(
    (await Promise.allSettled(sent)).map((result) =>
      result.status === 'fulfilled' ? result.value.offset : (result.reason as ClientError).code,
    ),
    [0, 1, 'record-too-large', 2, 3],
  );
  const stored = logger.received.filter((received) => !valuesIn(received).includes('bad'));
  assert.deepEqual(stored.flatMap(valuesIn), ['a', 'b', 'c', 'd']);
  // Refused batches use up no sequences.
  let next = 0;
  for (const received of stored) {
    assert.equal(stampIn(received).sequence, next);
    next += valuesIn(received).length;
  }
});

test('a send given up in flight has an unknown outcome, and the next epoch fences it', async (t) => {
  const logger = await ScriptedLogger.start(t, [silence]);
  const { producer } = producerFor(t, logger.url);
  const giveUp = new AbortController();
  const sent = failure(producer.send('a', { signal: giveUp.signal }));
  while (logger.received.length === 0) await new Promise(setImmediate);
  giveUp.abort(new Error('enough'));
  const error = await sent;
  assert.deepEqual([error.code, error.outcome], ['aborted', 'unknown']);
  await producer.send('b');
  assert.deepEqual(stampIn(logger.received[1] as Received), { id: '7', epoch: 1, sequence: 0 });
});

test('a send given up before anything was sent is refused, and the epoch goes on', async (t) => {
  const giveUp = new AbortController();
  const { producer } = producerFor(t, 'http://127.0.0.1:9', {
    onRetry: () => giveUp.abort(new Error('enough')),
  });
  const error = await failure(producer.send('a', { signal: giveUp.signal }));
  assert.deepEqual([error.code, error.outcome], ['aborted', 'refused']);
  assert.equal(producer.epoch, 0);
});

test('one of several sends in flight is given up, the others are not', async (t) => {
  const held = latch();
  const logger = await ScriptedLogger.start(t, [
    async (received) => held.opened.then(() => acknowledge()(received)),
  ]);
  const { producer } = producerFor(t, logger.url);
  const giveUp = new AbortController();
  const a = failure(producer.send('a', { signal: giveUp.signal }));
  const b = producer.send('b');
  while (logger.received.length === 0) await new Promise(setImmediate);
  giveUp.abort();
  assert.equal((await a).outcome, 'unknown');
  held.open();
  assert.equal((await b).offset, 1);
});

test('the queue is bounded: send refuses, room waits', async (t) => {
  const held = latch();
  const logger = await ScriptedLogger.start(t, [
    async (received) => held.opened.then(() => acknowledge()(received)),
  ]);
  const { producer } = producerFor(t, logger.url, { maxQueuedRecords: 2 });
  const sent = [producer.send('a'), producer.send('b')];
  assert.equal((await failure(producer.send('c'))).code, 'queue-full');
  let hasRoom = false;
  const room = producer.room().then(() => {
    hasRoom = true;
  });
  while (logger.received.length === 0) await new Promise(setImmediate);
  assert.equal(hasRoom, false);
  held.open();
  await Promise.all([...sent, room]);
  await producer.send('c');
});

test('close settles what was sent, then refuses more', async (t) => {
  const logger = await ScriptedLogger.start(t, [reset]);
  const { producer } = producerFor(t, logger.url);
  const sent = producer.send('a');
  await producer.close();
  assert.equal((await sent).offset, 0);
  assert.equal((await failure(producer.send('b'))).code, 'closed');
});

test('close gives up at its signal', async (t) => {
  const logger = await ScriptedLogger.start(t, [], silence);
  const { producer } = producerFor(t, logger.url);
  const flying = failure(producer.send('a'));
  while (logger.received.length === 0) await new Promise(setImmediate);
  const waiting = failure(producer.send('b'));
  await producer.close({ signal: AbortSignal.abort(new Error('no time')) });
  assert.deepEqual([(await flying).outcome, (await waiting).outcome], ['unknown', 'refused']);
});

test('what is no record is refused before anything is sent', async (t) => {
  const { producer } = producerFor(t, 'http://127.0.0.1:9');
  await assert.rejects(producer.send([]), TypeError);
  await assert.rejects(producer.send('\ud800'), /surrogate/);
  await assert.rejects(producer.send({ value: 5 as unknown as string }), TypeError);
});

test('options that cannot work are refused at once', () => {
  assert.throws(() => new LogClient({}), /neither target nor consul/);
  assert.throws(() => new LogClient({ target: 'logger-0:8080' }), /base URL/);
  assert.throws(() => new LogClient({ target: 'http://a', requestTimeoutMs: 0 }), /requestTimeoutMs/);
  assert.throws(() => new LogClient({ consul: { urls: [] } }), /consul\.urls/);
});
