// The workload: producers, appenders and readers at work at the same time, every call recorded; in the end the final read.
// It never ends by itself because the log is away: calls are refused or unknown then, and go on.
import { Http } from '../../client/http.ts';
import { accessOf } from '../../client/settings.ts';
import { VERSION } from '../../version.ts';
import { HISTORY_VERSION, historyNow, type SummaryLine } from '../history.ts';
import { append } from './appending.ts';
import { committedNow, finalRead } from './final-read.ts';
import type { LoadOptions, LoggerAccess } from './options.ts';
import { produce } from './producing.ts';
import { follow, look, Reader, readNewest } from './reading.ts';
import { Recorder, type Sink } from './recorder.ts';

const CONNECT_TIMEOUT_MS = 1000;
const MS_PER_SECOND = 1000;

/**
 * Runs until `signal` aborts or the time is over, and resolves after the final read, with the summary that is the history's
 * last line too. Rejects when the history cannot be written.
 */
export async function load(
  options: LoadOptions,
  sink: Sink,
  signal: AbortSignal,
  access: LoggerAccess = {},
): Promise<SummaryLine> {
  const http = new Http(CONNECT_TIMEOUT_MS, accessOf(access));
  const recorder = new Recorder(sink);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await record({ options, access, http, recorder }, ending);
  } finally {
    signal.removeEventListener('abort', end);
    await http.close();
  }
}

/** What all parts of the workload share. */
interface Ground {
  readonly options: LoadOptions;
  readonly access: LoggerAccess;
  readonly http: Http;
  readonly recorder: Recorder;
}

async function record(ground: Ground, ending: AbortController): Promise<SummaryLine> {
  const { options, http, recorder } = ground;
  const start = historyNow();
  const begin = await committedNow(http, options, ending.signal);
  const base = options.base ?? begin?.commit ?? null;
  const { name, ...settings } = options;
  recorder.line({
    type: 'history',
    version: HISTORY_VERSION,
    name,
    started: historyNow(),
    base,
    settings: { program: VERSION, ...settings },
  });
  const timer =
    options.seconds === null ? null : setTimeout(() => ending.abort(), options.seconds * MS_PER_SECOND);
  if (base !== null) await runAll(ground, base, ending);
  if (timer) clearTimeout(timer);
  if (base !== null && options.finalTimeoutMs > 0)
    await finalRead(http, options, base, recorder, AbortSignal.timeout(options.finalTimeoutMs));
  const summary = recorder.summary(start, historyNow());
  recorder.line(summary);
  return summary;
}

/** When one of them fails, which only a fault of the recorder brings about, the others end too. */
async function runAll(
  { options, access, http, recorder }: Ground,
  base: number,
  ending: AbortController,
): Promise<void> {
  const { name, loggers } = options;
  const part = (role: string, index: number) => ({ process: `${name}/${role}-${index}`, options, access });
  const reader = (role: string, index: number) => new Reader(`${name}/${role}-${index}`, http, recorder);
  const { signal } = ending;
  const running = [
    ...times(options.producers, (index) => produce(part('producer', index), recorder, signal)),
    ...times(options.appenders, (index) => append(part('appender', index), http, recorder, signal)),
    ...loggers.map((logger, index) => follow(reader('follower', index), logger, base, options, signal)),
    ...(loggers.length > 0 ? [look(reader('local', 0), options, base, signal)] : []),
    readNewest(reader('linearizable', 0), options, base, signal),
  ];
  const settled = await Promise.allSettled(
    running.map((one) =>
      one.catch((error: unknown) => {
        ending.abort();
        throw error;
      }),
    ),
  );
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
