// The end of a recording: what is committed is asked of the leader, and then every logger is read up to there. Only after it
// can a record be called lost.
import type { Http } from '../../client/http.ts';
import { historyNow } from '../history.ts';
import { PAGE_ROWS, readOnce } from './calls.ts';
import type { LoadOptions } from './options.ts';
import { nextOffset, pause, Reader } from './reading.ts';
import type { Recorder } from './recorder.ts';
import { Targets } from './targets.ts';

const RETRY_MS = 200;
const WAIT_MS = 1000;

export interface Committed {
  readonly commit: number;
  /** When the call that told it began. */
  readonly start: number;
}

/** What is committed, as the leader says; null when `signal` aborts before anybody does. */
export async function committedNow(
  http: Http,
  { targets: urls, callTimeoutMs: timeoutMs }: LoadOptions,
  signal: AbortSignal,
): Promise<Committed | null> {
  const targets = new Targets(urls);
  while (!signal.aborted) {
    const start = historyNow();
    const { commit, outcome } = await readOnce(http, {
      logger: targets.current,
      consistency: 'linearizable',
      offset: 'latest',
      limit: 1,
      waitMs: 0,
      timeoutMs,
    });
    if (outcome === 'ok' && commit !== null) return { commit, start };
    targets.failed();
    await pause(RETRY_MS, signal);
  }
  return null;
}

/** Reads every logger to its end, or without any the leader; each is closed with a line that says how far it came. */
export async function finalRead(
  http: Http,
  options: LoadOptions,
  base: number,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<void> {
  const began = historyNow();
  const target = await committedNow(http, options, signal);
  const whole = options.loggers.length > 0 ? options.loggers : options.targets.slice(0, 1);
  await Promise.all(
    whole.map(async (logger, index) => {
      const reader = new Reader(`${options.name}/final-${index}`, http, recorder);
      const result = target
        ? await readWhole(reader, logger, options, base, target.commit, signal)
        : { from: base, to: base, complete: false, reason: 'no leader said what is committed' };
      const start = target?.start ?? began;
      recorder.line({ type: 'final', process: reader.process, logger, start, end: historyNow(), ...result });
    }),
  );
}

async function readWhole(
  reader: Reader,
  logger: string,
  { loggers, callTimeoutMs: timeoutMs }: LoadOptions,
  base: number,
  end: number,
  signal: AbortSignal,
) {
  let from = base;
  let next = base;
  let last = '';
  while (next < end && !signal.aborted) {
    const answer = await reader.read({
      logger,
      // Behind one address for all there is no telling which logger answers, so the leader is asked.
      consistency: loggers.length > 0 ? 'local' : 'linearizable',
      offset: next,
      limit: PAGE_ROWS,
      waitMs: WAIT_MS,
      timeoutMs,
    });
    if (answer.code === 'offset-gone' && next > from)
      return { from, to: next, complete: false, reason: 'retention overtook the final read' };
    const at = nextOffset(next, answer);
    if (next === from && answer.records.length === 0) from = at;
    next = at;
    last = answer.code ?? (answer.outcome === 'ok' ? `commit ${answer.commit}` : answer.outcome);
    if (answer.outcome !== 'ok') await pause(RETRY_MS, signal);
  }
  if (next >= end) return { from, to: next, complete: true };
  return { from, to: next, complete: false, reason: `no more than ${next} of ${end} in time; last: ${last}` };
}
