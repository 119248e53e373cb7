// Readers: each logger is followed by one, another one reads the logs' ends at random loggers, a third asks the leader for
// linearizable reads. Each records every answer, and goes on whatever it was.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Http } from '../../client/http.ts';
import { historyNow, type ReadCall } from '../history.ts';
import { type Answer, PAGE_ROWS, type ReadWish, readOnce } from './calls.ts';
import type { Part } from './options.ts';
import type { Recorder } from './recorder.ts';
import { Targets } from './targets.ts';

const FOLLOW_WAIT_MS = 1000;
/** Between two reads of one reader: short against a takeover. */
const FOLLOW_PAUSE_MS = 20;
const LOCAL_PAUSE_MS = 50;
const LINEARIZABLE_PAUSE_MS = 100;
const FAILED_PAUSE_MS = 100;
/** Rows of a look at the end of a log. */
const LOOK_ROWS = 20;
/** How far back a random look goes. */
const LOOK_BACK = 500;
/** How far below the last known commit a linearizable read begins. */
const LINEARIZABLE_BACK = 5;

/** A process that reads: numbers its calls and records them. */
export class Reader {
  readonly process: string;
  readonly #http: Http;
  readonly #recorder: Recorder;
  #calls = 0;

  constructor(process: string, http: Http, recorder: Recorder) {
    this.process = process;
    this.#http = http;
    this.#recorder = recorder;
  }

  async read(wish: ReadWish): Promise<Answer> {
    const start = historyNow();
    const answer = await readOnce(this.#http, wish);
    const { logger, consistency, offset } = wish;
    const asked: Pick<ReadCall, 'logger' | 'consistency' | 'offset'> = { logger, consistency, offset };
    const { process } = this;
    this.#recorder.read({ process, call: this.#calls++, start, end: historyNow(), ...asked, ...answer });
    return answer;
  }
}

/** Where to go on after an answer. */
export function nextOffset(next: number, { records, code, first }: Answer): number {
  const last = records.at(-1);
  if (last) return last[0] + 1;
  return code === 'offset-gone' && first !== undefined ? Math.max(next, first) : next;
}

/** Reads everything from `base` on from one logger, as it is committed. */
export async function follow(
  reader: Reader,
  logger: string,
  base: number,
  { callTimeoutMs: timeoutMs }: Part['options'],
  ending: AbortSignal,
): Promise<void> {
  for (let next = base; !ending.aborted; ) {
    const answer = await reader.read({
      logger,
      consistency: 'local',
      offset: next,
      limit: PAGE_ROWS,
      waitMs: FOLLOW_WAIT_MS,
      timeoutMs,
    });
    next = nextOffset(next, answer);
    await pause(answer.outcome === 'ok' ? FOLLOW_PAUSE_MS : FAILED_PAUSE_MS, ending);
  }
}

/** Looks at the end of one logger's log, and then at another's. */
export async function look(
  reader: Reader,
  { loggers, callTimeoutMs: timeoutMs }: Part['options'],
  base: number,
  ending: AbortSignal,
): Promise<void> {
  const commits = new Map<string, number>();
  while (!ending.aborted) {
    const logger = loggers[Math.floor(Math.random() * loggers.length)] as string;
    const known = commits.get(logger) ?? base;
    const offset = Math.max(base, known - Math.floor(Math.random() * LOOK_BACK));
    const answer = await reader.read({
      logger,
      consistency: 'local',
      offset,
      limit: LOOK_ROWS,
      waitMs: 0,
      timeoutMs,
    });
    if (answer.commit !== null) commits.set(logger, answer.commit);
    await pause(LOCAL_PAUSE_MS, ending);
  }
}

/** Asks for the newest records, as the leader knows them. */
export async function readNewest(
  reader: Reader,
  { targets: urls, callTimeoutMs: timeoutMs }: Part['options'],
  base: number,
  ending: AbortSignal,
): Promise<void> {
  const targets = new Targets(urls);
  for (let known = base; !ending.aborted; ) {
    const answer = await reader.read({
      logger: targets.current,
      consistency: 'linearizable',
      offset: Math.max(base, known - LINEARIZABLE_BACK),
      limit: LOOK_ROWS,
      waitMs: 0,
      timeoutMs,
    });
    if (answer.commit !== null) known = Math.max(known, answer.commit);
    if (answer.outcome !== 'ok') targets.failed();
    await pause(LINEARIZABLE_PAUSE_MS, ending);
  }
}

/** Ends early when told to end. */
export const pause = (ms: number, ending: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal: ending }).catch(() => undefined);
