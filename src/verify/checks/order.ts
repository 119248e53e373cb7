// Order against real time: what was known when a call began bounds where its records may stand, what a linearizable read must
// see, and how far a final read must go.
import type { Evidence } from '../anomalies.ts';
import { NONE } from '../codes.ts';
import type { Recorded } from '../record.ts';
import type { Finals } from './finals.ts';
import { knownAt, Questions, Sources } from './horizon.ts';

/** Tags of sources: the number of an append, a read or a header, times three, and which of these it is. */
const KINDS = 3;
const APPEND = 0;
const READ = 1;
const HEADER = 2;

export function checkOrder(recorded: Recorded, finals: Finals): void {
  const sources = allSources(recorded);
  const questions = new Questions();
  const checks: (() => void)[] = [];
  const ask = (start: number, file: number, check: (known: number, source: () => Evidence) => void): void => {
    const at = questions.add(start, file);
    checks.push(() => {
      const known = answers.known[at] as number;
      if (known > 0) check(known, () => evidenceOfTag(recorded, answers.tag[at] as number));
    });
  };
  askAppends(recorded, ask);
  askLinearizableReads(recorded, ask);
  askFinals(recorded, finals, ask);
  const answers = knownAt(sources, questions, finals.clockSkewMs);
  for (const check of checks) check();
}

type Ask = (start: number, file: number, check: (known: number, source: () => Evidence) => void) => void;

function allSources({ appends, reads, headers }: Recorded): Sources {
  const sources = new Sources();
  for (let at = 0; at < appends.line.length; at += 1)
    if (appends.offset.at(at) !== NONE)
      sources.add(
        appends.end.at(at),
        appends.offset.at(at) + appends.size.at(at),
        appends.file.at(at),
        at * KINDS + APPEND,
      );
  for (let at = 0; at < reads.line.length; at += 1) {
    const known = Math.max(reads.commit.at(at), reads.next.at(at));
    if (known > 0 && reads.end.at(at) !== NONE)
      sources.add(reads.end.at(at), known, reads.file.at(at), at * KINDS + READ);
  }
  for (const [at, { started, base, file }] of headers.entries())
    if (base !== null) sources.add(started, base, file, at * KINDS + HEADER);
  return sources;
}

function evidenceOfTag(recorded: Recorded, tag: number): Evidence {
  const at = Math.floor(tag / KINDS);
  if (tag % KINDS === APPEND) return recorded.appendEvidence(at);
  if (tag % KINDS === READ) return recorded.readEvidence(at);
  const header = recorded.headers[at] as Recorded['headers'][number];
  return recorded.placeEvidence(header, `${header.name} begins at offset ${header.base}`);
}

/** Where the first of an append's records stands: where it was read, else where it was acknowledged. NONE if not known. */
export function placeOf({ appends, sent, ledger }: Recorded, at: number): number {
  const first = appends.firstSent.at(at);
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = first; index < first + appends.size.at(at); index += 1) {
    const found = ledger.foundAt.at(sent.at(index));
    if (found !== NONE && found < lowest) lowest = found;
  }
  return lowest === Number.POSITIVE_INFINITY ? appends.offset.at(at) : lowest;
}

function askAppends(recorded: Recorded, ask: Ask): void {
  const { appends, findings } = recorded;
  for (let at = 0; at < appends.line.length; at += 1) {
    const place = placeOf(recorded, at);
    if (place === NONE) continue;
    ask(appends.start.at(at), appends.file.at(at), (known, source) => {
      if (place < known)
        findings.add('order', `an append began when ${known - 1} was known, and is at ${place}`, () => [
          source(),
          recorded.appendEvidence(at),
        ]);
    });
  }
}

function askLinearizableReads(recorded: Recorded, ask: Ask): void {
  const { reads, findings } = recorded;
  for (let at = 0; at < reads.line.length; at += 1) {
    const commit = reads.commit.at(at);
    if (reads.linearizable.at(at) === 0 || commit === NONE) continue;
    ask(reads.start.at(at), reads.file.at(at), (known, source) => {
      if (commit < known)
        findings.add(
          'stale-read',
          `a linearizable read says commit ${commit}, and ${known - 1} was known before it began`,
          () => [source(), recorded.readEvidence(at)],
        );
    });
  }
}

function askFinals(recorded: Recorded, finals: Finals, ask: Ask): void {
  for (const final of finals.complete)
    ask(final.start, final.file, (known, source) => {
      if (final.to < known)
        recorded.findings.add(
          'lost',
          `${final.logger} has records up to ${final.to - 1} at the end, and ${known - 1} was known before`,
          () => [source(), finals.evidenceOf(final)],
        );
    });
}
