// The check of a log as it is now: all loggers named are read side by side, a page at a time, up to what the last of them calls
// committed, and must give the same records, without holes, epochs and timestamps never falling.
import { isDeepStrictEqual } from 'node:util';
import { LogClient, type ReadRecord } from '../client/index.ts';
import { Findings } from './anomalies.ts';
import type { LoggerAccess } from './load/options.ts';
import type { Report } from './verify.ts';

const PAGE_ROWS = 1000;

export interface LiveOptions extends LoggerAccess {
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

/** Rejects with ClientError when a logger cannot be read. */
export async function verifyLive({ loggers, timeoutMs, signal, token, ca }: LiveOptions): Promise<Report> {
  const logs: Log[] = loggers.map((logger) => ({
    logger,
    client: new LogClient({ target: logger, ...(token && { token }), ...(ca && { ca }) }),
    held: [],
  }));
  const findings = new Findings();
  const deadline = () => AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const limits = deadline();
    const ranges = await Promise.all(
      logs.map(async ({ client }) => (await client.status({ signal: limits })).offsets),
    );
    const from = Math.max(...ranges.map(({ first }) => first));
    const to = Math.max(from, Math.min(...ranges.map(({ commit }) => commit)));
    let before: ReadRecord | null = null;
    for (let next = from; next < to; ) {
      await fill(logs, next, to, deadline());
      const count = Math.min(...logs.map(({ held }) => held.length));
      for (let at = 0; at < count; at += 1) before = compare(logs, at, next + at, before, findings);
      for (const log of logs) log.held = log.held.slice(count);
      next += count;
    }
    return reportOf(loggers, from, to, findings);
  } finally {
    await Promise.all(logs.map(({ client }) => client.close()));
  }
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

function reportOf(loggers: readonly string[], from: number, to: number, findings: Findings): Report {
  const { anomalies, counts } = findings;
  return {
    verdict: anomalies.length > 0 ? 'invalid' : 'valid',
    anomalies,
    counts,
    summary: {
      files: [],
      appends: { ok: 0, refused: 0, unknown: 0 },
      unknownStored: 0,
      reads: 0,
      offsets: to - from,
      finals: loggers.map((logger) => ({ logger, from, to, complete: true })),
      expired: 0,
      unread: 0,
    },
    notes: [],
  };
}
