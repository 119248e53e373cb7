// Clocks of the machines that leap by days, with retention by age and numbered producers: no record is deleted, none is stored twice,
// and log time stays with the clocks of a majority.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();
const WRONG_CLOCK = fileURLToPath(new URL('../../support/wrong-clock.ts', import.meta.url));
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const LEAP_MS = 8 * DAY_MS;
/** Retention looks each second. */
const LOOKED_MS = 4000;
const SEGMENT_BYTES = 1024 * 1024;
const RECORDS = 12;
const FILLER = 'x'.repeat(200_000);

interface Answer {
  readonly offset: number;
}

/** Loggers whose clocks can be set, with a log of several segments. */
class Cluster {
  readonly loggers: Loggers;
  readonly #clocks: string;

  static async start(t: TestContext, retentionMs: number): Promise<Cluster> {
    const clocks = await mkdtemp(join(tmpdir(), 'distributed-logger-clocks-'));
    const loggers = await Loggers.start(t, {
      consulUrls: consul().urls,
      nodeArguments: ['--import', WRONG_CLOCK],
      environment: {
        TEST_CLOCKS: clocks,
        DLOG_RETENTION_MS: String(retentionMs),
        DLOG_SEGMENT_SIZE_BYTES: String(SEGMENT_BYTES),
      },
    });
    t.after(() => rm(clocks, { recursive: true, force: true }));
    const cluster = new Cluster(loggers, clocks);
    for (let at = 0; at < RECORDS; at += 1) await cluster.append(`${at} ${FILLER}`);
    return cluster;
  }

  private constructor(loggers: Loggers, clocks: string) {
    this.loggers = loggers;
    this.#clocks = clocks;
  }

  /** By any logger, which sends it on to the leader; where `producer` is given, as its batch of that sequence. */
  append(value: string, producer?: { id: number; sequence: number }): Promise<Answer> {
    const stamp = producer && {
      'producer-id': String(producer.id),
      'producer-epoch': '0',
      'producer-seq': String(producer.sequence),
    };
    const headers = { 'content-type': 'text/plain', ...stamp };
    return eventually('it is stored', async () => {
      const answer = await fetch(`${this.#any}/api/v1/log`, { method: 'POST', body: value, headers });
      const text = await answer.text();
      if (answer.status === 503) return null;
      assert.equal(answer.status, 200, text);
      return JSON.parse(text) as Answer;
    });
  }

  get #any(): string {
    return this.loggers.apis[0] ?? '';
  }

  async set(wrongMs: number, ...loggers: readonly LoggerProcess[]): Promise<void> {
    for (const { id } of loggers) await writeFile(join(this.#clocks, id), String(wrongMs));
    for (const logger of loggers)
      await eventually(`${logger.id} knows that its clock is off by ${wrongMs} ms`, async () => {
        const offsetMs = 1000 * (await metric(logger, 'clock_offset_seconds'));
        return Math.abs(offsetMs - wrongMs) < DAY_MS || null;
      });
  }

  /** How far the timestamp of a record that is stored now is ahead. */
  async logAheadMs(): Promise<number> {
    const { offset } = await this.append('now');
    const answer = await fetch(`${this.#any}/api/v1/log?offset=${offset}&limit=1&wait=20`);
    return ((await answer.json()) as { timestamp: number }).timestamp - Date.now();
  }

  async firsts(): Promise<(number | undefined)[]> {
    const all = await Promise.all(this.loggers.all.map((logger) => logger.status()));
    return all.map((status) => status?.offsets.first);
  }
}

async function metric({ api }: LoggerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`distributed_logger_${name} `));
  return Number(line?.split(' ')[1]);
}

async function lead(cluster: Cluster, logger: LoggerProcess): Promise<void> {
  const leader = await cluster.loggers.inSync();
  if (leader === logger) return;
  const answer = await fetch(`${leader.api}/api/v1/leader/transfer`, {
    method: 'POST',
    body: JSON.stringify({ to: logger.id }),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.ok, true, await answer.text());
  assert.equal(await cluster.loggers.inSync(), logger);
}

test('one clock leaps eight days ahead, of the leader and then of a follower', async (t) => {
  const cluster = await Cluster.start(t, 7 * DAY_MS);
  const first = { id: 2, sequence: 0 };
  const payment = await cluster.append('payment', first);
  await cluster.append('other', { id: 3, sequence: 0 });
  const wrong = await cluster.loggers.inSync();
  const [right] = cluster.loggers.others(wrong);
  assert.ok(right);
  await cluster.set(LEAP_MS, wrong);
  await cluster.append('third', { id: 1, sequence: 0 });
  assert.equal((await cluster.append('payment', first)).offset, payment.offset, 'a repeat is recognized');
  await cluster.append('other', { id: 3, sequence: 1 });
  await sleep(LOOKED_MS);
  assert.ok(Math.abs(await cluster.logAheadMs()) < MINUTE_MS);
  await lead(cluster, right);
  assert.equal((await cluster.append('payment', first)).offset, payment.offset);
  await sleep(LOOKED_MS);
  assert.ok(Math.abs(await cluster.logAheadMs()) < MINUTE_MS);
  assert.deepEqual(await cluster.firsts(), [0, 0, 0]);
});

test('all clocks leap eight days ahead and come back: log time has hardly followed them', async (t) => {
  const cluster = await Cluster.start(t, 7 * DAY_MS);
  const first = { id: 2, sequence: 0 };
  const payment = await cluster.append('payment', first);
  await cluster.set(LEAP_MS, ...cluster.loggers.all);
  await cluster.append('third', { id: 1, sequence: 0 });
  assert.equal((await cluster.append('payment', first)).offset, payment.offset);
  await sleep(LOOKED_MS);
  await cluster.set(0, ...cluster.loggers.all);
  assert.ok((await cluster.logAheadMs()) < DAY_MS);
  assert.deepEqual(await cluster.firsts(), [0, 0, 0]);
});

test('old records go by age while one clock is behind', async (t) => {
  const cluster = await Cluster.start(t, 1000);
  const leader = await cluster.loggers.inSync();
  await cluster.set(-LEAP_MS, leader);
  await eventually('the leader has deleted', async () => ((await cluster.firsts())[0] ?? 0) > 0 || null);
  await eventually('all have', async () => new Set(await cluster.firsts()).size === 1 || null);
});
