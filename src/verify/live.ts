// The check of a log as it is now: all loggers are read side by side, a page at a time, up to what the last of them calls
// committed, and must give the same records, without holes, epochs and timestamps never falling.
import { isDeepStrictEqual } from 'node:util';
import type { Status } from '../api/index.ts';
import { type ClientOptions, LogClient, type ReadRecord } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import { Findings } from './anomalies.ts';
import type { LoggerAccess } from './load/options.ts';
import type { Report } from './verify.ts';

const PAGE_ROWS = 1000;
/** Others are left out after this long: they may be reachable from the cluster alone. */
const OTHERS_TIMEOUT_MS = 5000;

export interface LiveOptions extends LoggerAccess, Pick<ClientOptions, 'onRetry'> {
  readonly loggers: readonly string[];
  /** Deadline of each page, of all loggers together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Log {
  readonly logger: string;
  readonly client: LogClient;
  /** Read and not compared yet. */
  held: ReadRecord[];
}

/**
 * Where the URLs named lead to one logger only, the other members are read too, at the addresses that the status gives. One
 * that cannot be read leaves the verdict unknown. Rejects with ClientError when a logger that was named cannot be read.
 */
export async function verifyLive(options: LiveOptions): Promise<Report> {
  const { loggers, timeoutMs, signal } = options;
  const logs: Log[] = [];
  const findings = new Findings();
  const deadline = () => AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    for (const logger of loggers) logs.push(logOf(logger, options));
    const limits = deadline();
    const named = await Promise.all(logs.map(({ client }) => client.status({ signal: limits })));
    const { others, notes } = await othersOf(named, options);
    logs.push(...others.map(({ log }) => log));
    const ranges = [...named, ...others.map(({ status }) => status)].map(({ offsets }) => offsets);
    const from = Math.max(...ranges.map(({ first }) => first));
    const to = Math.max(from, Math.min(...ranges.map(({ commit }) => commit)));
    if (to === from && ranges.some(({ commit }) => commit > 0))
      notes.push('there is no record that all of them hold, so none was compared');
    let before: ReadRecord | null = null;
    for (let next = from; next < to; ) {
      await fill(logs, next, to, deadline());
      const count = Math.min(...logs.map(({ held }) => held.length));
      for (let at = 0; at < count; at += 1) before = compare(logs, at, next + at, before, findings);
      for (const log of logs) log.held = log.held.slice(count);
      next += count;
    }
    return reportOf(logs, from, to, findings, notes);
  } finally {
    await Promise.all(logs.map(({ client }) => client.close()));
  }
}

function logOf(logger: string, { token, ca, onRetry }: LiveOptions): Log {
  const options = { ...(token && { token }), ...(ca && { ca }), ...(onRetry && { onRetry }) };
  return { logger, client: new LogClient({ target: logger, ...options }), held: [] };
}

interface Others {
  readonly others: readonly { readonly log: Log; readonly status: Status }[];
  /** Whom it was not compared with, and why. */
  readonly notes: string[];
}

/** None where several loggers were named: then these are meant. */
async function othersOf(named: readonly Status[], options: LiveOptions): Promise<Others> {
  const [one] = named;
  const notes: string[] = [];
  if (one === undefined || named.some(({ id }) => id !== one.id)) return { others: [], notes };
  const { loggers, signal, timeoutMs } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.min(timeoutMs, OTHERS_TIMEOUT_MS))]);
  const isSecure = loggers.some((url) => url.startsWith('https:'));
  const found = one.members
    .filter(({ id }) => id !== one.id)
    .map(async ({ id, api }) => {
      const skip = (why: string): null => {
        notes.push(`${id} was not compared: ${why}; name its URL too`);
        return null;
      };
      if (api === null) return skip('its address is not known');
      // Neither token nor records leave in the clear where a secure way was chosen.
      if (isSecure && !api.startsWith('https:')) return skip(`${api} is no https:// URL`);
      const log = logOf(api, options);
      try {
        return { log, status: await log.client.status({ signal: limit }) };
      } catch (error) {
        await log.client.close();
        signal.throwIfAborted();
        return skip(`${api}: ${messageOf(error)}`);
      }
    });
  return { others: (await Promise.all(found)).filter((other) => other !== null), notes };
}

/** Every log holds at least one record from `next` on. */
async function fill(logs: readonly Log[], next: number, to: number, signal: AbortSignal): Promise<void> {
  await Promise.all(
    logs.map(async (log) => {
      while (log.held.length === 0) {
        const limit = Math.min(PAGE_ROWS, to - next);
        const { records } = await log.client.read({ offset: next, limit, signal });
        log.held = [...records];
      }
    }),
  );
}

function compare(
  logs: readonly Log[],
  at: number,
  offset: number,
  before: ReadRecord | null,
  findings: Findings,
): ReadRecord {
  const [first, ...rest] = logs as [Log, ...Log[]];
  const record = first.held[at] as ReadRecord;
  const evidence = (log: Log) => ({
    file: log.logger,
    line: offset,
    text: shown(log.held[at] as ReadRecord),
  });
  if (record.offset !== offset)
    findings.add('hole', `offset ${record.offset} where ${offset} should be`, () => [evidence(first)]);
  for (const other of rest) {
    if (isDeepStrictEqual(other.held[at], record)) continue;
    const same = isDeepStrictEqual(other.held[at]?.value, record.value);
    findings.add(
      same ? 'record-changed' : 'two-values',
      `${first.logger} and ${other.logger} differ at offset ${offset}`,
      () => [evidence(first), evidence(other)],
    );
  }
  if (before && record.epoch < before.epoch)
    findings.add(
      'epoch-falls',
      `epoch ${before.epoch} before offset ${offset}, ${record.epoch} there`,
      () => [evidence(first)],
    );
  if (before && record.timestampMs < before.timestampMs)
    findings.add(
      'time-falls',
      `timestamp ${before.timestampMs} before offset ${offset}, ${record.timestampMs} there`,
      () => [evidence(first)],
    );
  return record;
}

const SHOWN_CHARACTERS = 80;

function shown({ offset, epoch, timestampMs, value }: ReadRecord): string {
  const text = typeof value === 'string' ? value : `base64:${Buffer.from(value).toString('base64')}`;
  return `offset ${offset}, epoch ${epoch}, timestamp ${timestampMs}: ${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}`;
}

function reportOf(
  logs: readonly Log[],
  from: number,
  to: number,
  findings: Findings,
  notes: readonly string[],
): Report {
  const { anomalies, counts } = findings;
  return {
    verdict: anomalies.length > 0 ? 'invalid' : notes.length > 0 ? 'unknown' : 'valid',
    anomalies,
    counts,
    summary: {
      files: [],
      appends: { ok: 0, refused: 0, unknown: 0 },
      unknownStored: 0,
      reads: 0,
      offsets: to - from,
      finals: logs.map(({ logger }) => ({ logger, from, to, complete: true })),
      expired: 0,
      unread: 0,
    },
    notes,
  };
}
