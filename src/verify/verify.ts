// The checker: histories in, a report out. One pass over the lines, a sort by time and one by offset: near-linear in the number
// of calls. The properties are those of a log with one order that agrees with real time; since a log tells the offset of each
// record, no search for an order is needed, as it is for registers (Wing and Gong, 1993; Kingsbury's Knossos and Elle).
import { type Anomaly, type AnomalyKind, Findings } from './anomalies.ts';
import { checkAppends } from './checks/appends.ts';
import { Finals } from './checks/finals.ts';
import { checkLedger } from './checks/ledger.ts';
import { checkOrder } from './checks/order.ts';
import { checkReadBack } from './checks/read-back.ts';
import { checkRead } from './checks/reads.ts';
import { OUTCOMES, UNKNOWN } from './codes.ts';
import type { HistoryLine } from './history.ts';
import { linesOf } from './read-lines.ts';
import { type Place, Recorded } from './record.ts';

export interface VerifyOptions {
  /** How far the clocks of two files may differ. Within a file there is one clock. */
  readonly clockSkewMs: number;
  /** Records of writers that are in no history are no phantoms. */
  readonly others: boolean;
  /** What `-` among the files stands for. */
  readonly input: NodeJS.ReadableStream;
}

export interface Report {
  /** `unknown`: nothing wrong was seen, but the history cannot show that nothing is. */
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  readonly anomalies: readonly Anomaly[];
  /** Of all, those not kept in `anomalies` too. */
  readonly counts: Readonly<Partial<Record<AnomalyKind, number>>>;
  readonly summary: {
    readonly files: readonly string[];
    readonly appends: Readonly<Record<'ok' | 'refused' | 'unknown', number>>;
    /** Records of appends with an unknown outcome that are in the log. */
    readonly unknownStored: number;
    readonly reads: number;
    /** Different offsets that were read. */
    readonly offsets: number;
    readonly finals: readonly {
      readonly logger: string;
      readonly from: number;
      readonly to: number;
      readonly complete: boolean;
    }[];
    readonly expired: number;
    readonly unread: number;
  };
  /** Why the verdict is `unknown`, and what else limits it. */
  readonly notes: readonly string[];
}

/** Rejects with HistoryError for a file that is damaged, or with the error of reading it. */
export async function verifyFiles(paths: readonly string[], options: VerifyOptions): Promise<Report> {
  const findings = new Findings();
  const recorded = new Recorded(findings);
  const notes: string[] = [];
  for (const path of paths) {
    const file = recorded.files.push(path) - 1;
    const cutOff = (number: number): void => {
      notes.push(`${path}:${number}: the last line was cut off, and is left out`);
    };
    for await (const { number, line } of linesOf(path, options.input, cutOff))
      add(recorded, line, { file, line: number });
  }
  const finals = new Finals(recorded, options.clockSkewMs);
  const tally = checkAppends(recorded, finals);
  checkOrder(recorded, finals);
  checkReadBack(recorded, options.clockSkewMs);
  checkLedger(recorded, options);
  const limits = limitsOf(recorded, finals, tally.unread);
  const { anomalies, counts } = findings;
  return {
    verdict: anomalies.length > 0 ? 'invalid' : limits.length > 0 ? 'unknown' : 'valid',
    anomalies,
    counts,
    summary: summaryOf(recorded, tally),
    notes: [...limits, ...notes],
  };
}

function add(recorded: Recorded, line: HistoryLine, place: Place): void {
  if (line.type === 'history') recorded.headers.push({ ...line, ...place });
  else if (line.type === 'sends') recorded.addSends({ ...line, ...place });
  else if (line.type === 'append') recorded.addAppend(line, place);
  else if (line.type === 'final') recorded.finals.push({ ...line, ...place });
  else if (line.type === 'event') recorded.events.push(line);
  else if (line.type === 'read') {
    recorded.addRead(line, place);
    checkRead(line, recorded.reads.line.length - 1, recorded);
  }
}

function limitsOf(recorded: Recorded, finals: Finals, unread: number): string[] {
  const limits: string[] = [];
  if (!finals.any) limits.push('there is no complete final read');
  if (unread > 0)
    limits.push(`${unread} acknowledged records were not looked for: they may be in the log or lost`);
  for (const final of finals.incomplete)
    limits.push(
      `${final.logger} was not read to its end${final.reason === undefined ? '' : `: ${final.reason}`}`,
    );
  if (recorded.sent.length === 0 || outcomesOf(recorded).ok === 0) limits.push('no append was acknowledged');
  return limits;
}

function outcomesOf({ appends }: Recorded): Record<'ok' | 'refused' | 'unknown', number> {
  const counts = { ok: 0, refused: 0, unknown: 0 };
  for (let at = 0; at < appends.line.length; at += 1)
    counts[OUTCOMES[appends.outcome.at(at)] as keyof typeof counts] += 1;
  return counts;
}

function summaryOf(recorded: Recorded, tally: { expired: number; unread: number }): Report['summary'] {
  const { ledger, appendOf, appends, values } = recorded;
  let unknownStored = 0;
  for (let value = 0; value < values.size; value += 1) {
    const append = appendOf.at(value);
    if (append >= 0 && appends.outcome.at(append) === UNKNOWN && ledger.foundAt.at(value) >= 0)
      unknownStored += 1;
  }
  return {
    files: recorded.files,
    appends: outcomesOf(recorded),
    unknownStored,
    reads: recorded.reads.line.length,
    offsets: ledger.readOffsets,
    finals: recorded.finals.map(({ logger, from, to, complete }) => ({ logger, from, to, complete })),
    ...tally,
  };
}
