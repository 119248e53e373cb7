// Order against real time: what was known when a call began bounds where its records may stand, what a linearizable read must
// see, and how far a final read must go.
import type { Evidence } from '../anomalies.ts';
import { NONE } from '../codes.ts';
import type { Recorded } from '../record.ts';
import type { Finals } from './finals.ts';
import { knownAt, Questions, Sources } from './horizon.ts';

/** Tags of sources and questions: the number of an append, a read, a header or a final read, times four, and which of these. */
const KINDS = 4;
const APPEND = 0;
const READ = 1;
const HEADER = 2;
const FINAL = 3;

export function checkOrder(recorded: Recorded, finals: Finals): void {
  const questions = allQuestions(recorded, finals);
  const { known, tag } = knownAt(allSources(recorded), questions, finals.clockSkewMs);
  for (let at = 0; at < questions.tag.length; at += 1) {
    const number = Math.floor(questions.tag.at(at) / KINDS);
    const kind = questions.tag.at(at) % KINDS;
    const before = { known: known[at] as number, source: () => evidenceOfTag(recorded, tag[at] as number) };
    if (kind === APPEND) checkAppend(recorded, number, before);
    else if (kind === READ) checkLinearizableRead(recorded, number, before);
    else checkFinal(recorded, finals, number, before);
  }
}

/** All offsets below `known` were known before the call in question began; `source` shows it. */
interface Before {
  readonly known: number;
  readonly source: () => Evidence;
}

function allQuestions(recorded: Recorded, finals: Finals): Questions {
  const { appends, reads } = recorded;
  const questions = new Questions();
  for (let at = 0; at < appends.line.length; at += 1)
    if (placeOf(recorded, at) !== NONE)
      questions.add(appends.start.at(at), appends.file.at(at), at * KINDS + APPEND);
  for (let at = 0; at < reads.line.length; at += 1)
    if (reads.linearizable.at(at) === 1 && reads.commit.at(at) !== NONE)
      questions.add(reads.start.at(at), reads.file.at(at), at * KINDS + READ);
  for (const [at, { start, file }] of finals.complete.entries())
    questions.add(start, file, at * KINDS + FINAL);
  return questions;
}

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

function checkAppend(recorded: Recorded, at: number, { known, source }: Before): void {
  const place = placeOf(recorded, at);
  if (place >= known) return;
  recorded.findings.add('order', `an append began when ${known - 1} was known, and is at ${place}`, () => [
    source(),
    recorded.appendEvidence(at),
  ]);
}

function checkLinearizableRead(recorded: Recorded, at: number, { known, source }: Before): void {
  const commit = recorded.reads.commit.at(at);
  if (commit >= known) return;
  recorded.findings.add(
    'stale-read',
    `a linearizable read says commit ${commit}, and ${known - 1} was known before it began`,
    () => [source(), recorded.readEvidence(at)],
  );
}

function checkFinal(recorded: Recorded, finals: Finals, at: number, { known, source }: Before): void {
  const final = finals.complete[at];
  if (!final || final.to >= known) return;
  recorded.findings.add(
    'lost',
    `${final.logger} has records up to ${final.to - 1} at the end, and ${known - 1} was known before`,
    () => [source(), finals.evidenceOf(final)],
  );
}
