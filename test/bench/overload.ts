// Twice what the loggers can take: first what they take from clients that wait for their answers, then double that rate from clients
// that do not wait. What is refused must be refused with a time to come back, what is accepted must be accepted in time and be there
// afterwards, and memory must not grow.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogClient } from '../../src/client/index.ts';
import { Caller } from './caller.ts';
import { type Quantiles, quantiles } from './numbers.ts';
import { numberOf, Payload } from './payload.ts';
import { Rig } from './rig.ts';
import { measured, rssMiB, type Usage } from './usage.ts';

export interface OverloadOptions {
  readonly sizeBytes: number;
  readonly seconds: number;
  /** Appends that may wait for their commit. The default is as many as there may be connections, which no clients of one request each exceed. */
  readonly pendingMax: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly sources?: boolean;
  readonly capacitySeconds?: number;
}

export interface OverloadResult extends Quantiles {
  readonly work: 'overload';
  readonly sizeBytes: number;
  readonly pendingMax: number;
  /** Taken from clients that wait. */
  readonly capacityPerSecond: number;
  readonly offeredPerSecond: number;
  readonly acceptedPerSecond: number;
  readonly accepted: number;
  /** Answers by status, and those with 429 or 503 that name no time to come back. */
  readonly refused: Readonly<Record<string, number>>;
  readonly withoutRetryAfter: number;
  /** Answers that named another leader: there should be none. */
  readonly redirected: number;
  readonly brokenConnections: number;
  /** Resident memory of the leader in MiB, five times over the run. */
  readonly leaderRssMiB: readonly number[];
  readonly usage: Usage;
  /** Accepted and not there, or refused and there. */
  readonly lost: number;
  readonly twice: number;
}

/** As many as give the most; fewer than may wait, so that none is refused. */
const CAPACITY_CLIENTS = 256;
const TICK_MS = 5;
const CONNECTIONS_MAX = 4000;
const RSS_SAMPLES = 5;
const SETTLE_MS = 15_000;

export async function overload(options: OverloadOptions): Promise<OverloadResult> {
  const { sizeBytes, seconds, pendingMax, sources = false, capacitySeconds = 5 } = options;
  const environment = { DLOG_MAX_PENDING_REQUESTS: String(pendingMax), ...options.environment };
  await using rig = await Rig.start({ environment, sources });
  const { api, pid } = await rig.leader();
  const storm = new Storm(api, new Payload(sizeBytes));
  const taken = await storm.closed(Math.min(CAPACITY_CLIENTS, pendingMax), capacitySeconds);
  const capacityPerSecond = Math.round(taken / capacitySeconds);
  const leaderRssMiB: number[] = [];
  const everyMs = (seconds * 1000) / RSS_SAMPLES;
  const sampling = setInterval(() => leaderRssMiB.push(Math.round(rssMiB(pid ?? 0))), everyMs - 1);
  const before = storm.accepted.size;
  const { usage } = await measured(rig.pids, () => storm.open(2 * capacityPerSecond, seconds));
  clearInterval(sampling);
  const accepted = storm.accepted.size - before;
  await storm.settled();
  await rig.leader();
  const client = await rig.followerClient();
  const checked = await compare(client, storm, sizeBytes);
  await client.close();
  return {
    work: 'overload',
    sizeBytes,
    pendingMax,
    capacityPerSecond,
    offeredPerSecond: Math.round(storm.offered / usage.seconds),
    acceptedPerSecond: Math.round(accepted / usage.seconds),
    accepted: storm.accepted.size,
    refused: storm.refused,
    withoutRetryAfter: storm.withoutRetryAfter,
    redirected: storm.redirected,
    brokenConnections: storm.broken,
    leaderRssMiB,
    ...quantiles(storm.tookMs),
    usage,
    ...checked,
  };
}

class Storm {
  /** Of whom leads, as far as is known. */
  #api: string;
  readonly #payload: Payload;
  readonly #free: Caller[] = [];
  #connections = 0;
  #busy = 0;
  readonly accepted = new Set<number>();
  readonly refusedNumbers = new Set<number>();
  readonly refused: Record<string, number> = {};
  withoutRetryAfter = 0;
  redirected = 0;
  broken = 0;
  offered = 0;
  tookMs: number[] = [];

  constructor(api: string, payload: Payload) {
    this.#api = api;
    this.#payload = payload;
  }

  /** Clients that wait; how many records were accepted. */
  async closed(clients: number, seconds: number): Promise<number> {
    const endMs = performance.now() + seconds * 1000;
    const client = async (): Promise<void> => {
      while (performance.now() < endMs) await this.#one();
    };
    await Promise.all(Array.from({ length: clients }, client));
    this.tookMs = [];
    this.offered = 0;
    return this.accepted.size;
  }

  /** Records at a rate, whatever becomes of those before; what finds no connection is not counted as offered. */
  async open(ratePerSecond: number, seconds: number): Promise<void> {
    const startMs = performance.now();
    let due = 0;
    for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - startMs) {
      for (const wanted = (elapsedMs / 1000) * ratePerSecond; due < wanted; due += 1)
        if (this.#free.length > 0 || this.#connections < CONNECTIONS_MAX) void this.#one();
      await sleep(TICK_MS);
    }
  }

  async #one(): Promise<void> {
    const caller = this.#freeCaller() ?? this.#connect();
    const record = Buffer.from(this.#payload.next());
    const number = this.#payload.count;
    const sentMs = performance.now();
    this.offered += 1;
    this.#busy += 1;
    try {
      const { status, text } = await caller.post(record);
      if (status === 200) {
        this.accepted.add(number);
        this.tookMs.push(performance.now() - sentMs);
      } else if (status === 307) this.#redirected(caller, text);
      else this.#refusedWith(status, text, number);
    } catch {
      this.broken += 1; // its outcome is unknown: it counts neither way
    } finally {
      this.#busy -= 1;
      if (caller.closed) this.#connections -= 1;
      else this.#free.push(caller);
    }
  }

  /** One that was not closed meanwhile: by a leader that stepped down. */
  #freeCaller(): Caller | undefined {
    for (;;) {
      const caller = this.#free.pop();
      if (caller?.closed !== true) return caller;
      this.#connections -= 1;
    }
  }

  #redirected(caller: Caller, text: string): void {
    this.redirected += 1;
    this.#api = new URL(/^location: (\S+)/im.exec(text)?.[1] ?? this.#api).origin;
    caller.end();
  }

  #refusedWith(status: number, text: string, number: number): void {
    this.refused[status] = (this.refused[status] ?? 0) + 1;
    if ((status === 429 || status === 503) && !/^retry-after: \d/im.test(text)) this.withoutRetryAfter += 1;
    if (text.includes('"outcome":"refused"')) this.refusedNumbers.add(number);
  }

  #connect(): Caller {
    this.#connections += 1;
    return new Caller(this.#api);
  }

  async settled(): Promise<void> {
    for (const endMs = performance.now() + SETTLE_MS; this.#busy > 0 && performance.now() < endMs; )
      await sleep(50);
    for (const caller of this.#free) caller.end();
  }
}

async function compare(
  client: LogClient,
  storm: Storm,
  sizeBytes: number,
): Promise<{ lost: number; twice: number }> {
  const seen = new Set<number>();
  let twice = 0;
  for (let offset = 0, commit = 1; offset < commit; ) {
    const answer = await client.read({ offset });
    for (const { value } of answer.records) {
      const number = numberOf(Buffer.from(value), sizeBytes) ?? -1;
      if (seen.has(number)) twice += 1;
      seen.add(number);
    }
    ({ next: offset, commit } = answer);
  }
  let lost = 0;
  for (const number of storm.accepted) if (!seen.has(number)) lost += 1;
  for (const number of storm.refusedNumbers) if (seen.has(number)) lost += 1;
  return { lost, twice };
}
