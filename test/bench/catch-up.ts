// Readers that catch up over a long log at the leader, all at once: half of them by event streams, half by pages of 100,000 rows. How
// long the leader's event loop stands still meanwhile (the logger's own metric), and whether it goes on leading.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Producer } from '../../src/client/index.ts';
import { LOOP_PROBE_MS } from '../../src/metrics/base.ts';
import { fill } from './long-log.ts';
import { round } from './numbers.ts';
import { Payload } from './payload.ts';
import { Rig } from './rig.ts';

export interface CatchUpOptions {
  readonly records: number;
  readonly sizeBytes: number;
  readonly readers: number;
  readonly sources?: boolean;
}

export interface CatchUpResult {
  readonly work: 'catch-up';
  readonly records: number;
  readonly sizeBytes: number;
  readonly readers: number;
  readonly seconds: number;
  /** Of all readers together. */
  readonly readPerSecond: number;
  readonly loopDelay: LoopDelay;
  /** Of the same leader with nothing to do, for comparison. */
  readonly idleLoopDelay: LoopDelay;
  readonly leaderChanges: number;
}

interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const QUEUE = { maxQueuedRecords: 100_000, maxQueuedBytes: 16 * 1024 * 1024 };
const READ_DEADLINE_MS = 300_000;
const IDLE_MS = 5000;
const PAGE_ROWS = 100_000;

export async function catchUp(options: CatchUpOptions): Promise<CatchUpResult> {
  const { records, sizeBytes, readers, sources = false } = options;
  await using rig = await Rig.start({ sources });
  const payload = new Payload(sizeBytes);
  const producer = new Producer({ ...(await rig.clientOptions()), ...QUEUE });
  await fill(producer, payload, records);
  await producer.close();
  const leader = await rig.leader();
  const { api } = leader;
  const epoch = (await leader.status())?.epoch;
  await loopDelay(api);
  await sleep(IDLE_MS);
  const idleLoopDelay = await loopDelay(api);
  const startedMs = performance.now();
  const end = payload.count;
  await Promise.all(
    Array.from({ length: readers }, (_, index) => (index % 2 === 0 ? followTo(api, end) : pagesTo(api, end))),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    work: 'catch-up',
    records,
    sizeBytes,
    readers,
    seconds: round(seconds, 1),
    readPerSecond: Math.round((end * readers) / seconds),
    loopDelay: await loopDelay(api),
    idleLoopDelay,
    leaderChanges: ((await (await rig.leader()).status())?.epoch ?? Number.NaN) - (epoch ?? Number.NaN),
  };
}

/** Since it was asked for last. */
async function loopDelay(api: string): Promise<LoopDelay> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const ms = (name: string): number => {
    const value = new RegExp(`^nodejs_eventloop_lag_${name}_seconds ([\\d.e+-]+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`/metrics has no ${name} of the event loop's delay`);
    // What is measured is the time between two ticks of a timer.
    return round(Math.max(0, Number(value) * 1000 - LOOP_PROBE_MS), 1);
  };
  return { p99Ms: ms('p99'), maxMs: ms('max') };
}

/** Bare sockets that throw away what they read: the reader should not be slower than the leader. */
function request(
  api: string,
  path: string,
  fields: string,
  isLast: (tail: string) => boolean,
): Promise<void> {
  const { host, hostname, port } = new URL(api);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`);
  socket.setTimeout(READ_DEADLINE_MS, () => socket.destroy(new Error(`${path} stands still`)));
  return new Promise((resolve, reject) => {
    let tail = '';
    socket.on('data', (chunk) => {
      tail = (tail + chunk.subarray(-TAIL_BYTES).toString('latin1')).slice(-TAIL_BYTES);
      if (!isLast(tail)) return;
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
    socket.once('close', () => reject(new Error(`${path} ended early: …${tail.slice(-200)}`)));
  });
}

const TAIL_BYTES = 4096;

const followTo = (api: string, end: number): Promise<void> =>
  request(api, '/api/v1/log?offset=0', 'Accept: text/event-stream\r\n', (tail) =>
    tail.includes(`{"offset":${end - 1},`),
  );

async function pagesTo(api: string, end: number): Promise<void> {
  for (let from = 0; from < end; from += PAGE_ROWS) {
    const last = Math.min(from + PAGE_ROWS, end) - 1;
    await request(api, `/api/v1/log?offset=${from}&limit=${PAGE_ROWS}`, '', (tail) =>
      tail.includes(`{"offset":${last},`),
    );
  }
}
