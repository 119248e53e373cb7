// What became of each append: an acknowledged one is where it was acknowledged, a refused one nowhere, an unknown one whole or
// not at all.
import { NONE, OK, REFUSED } from '../codes.ts';
import type { Recorded } from '../record.ts';
import type { Finals } from './finals.ts';

export interface AppendTally {
  /** Acknowledged records that retention has taken: nothing can be said about them. */
  expired: number;
  /** Acknowledged records that no read could have shown. */
  unread: number;
}

export function checkAppends(recorded: Recorded, finals: Finals): AppendTally {
  const tally = { expired: 0, unread: 0 };
  const { appends } = recorded;
  for (let at = 0; at < appends.line.length; at += 1) {
    const outcome = appends.outcome.at(at);
    if (outcome === OK) checkAcknowledged(recorded, at, finals, tally);
    else if (outcome === REFUSED) checkRefused(recorded, at);
    else checkWhole(recorded, at, finals);
    checkNotBeforeSent(recorded, at, finals.clockSkewMs);
  }
  return tally;
}

/** One record that was acknowledged. */
interface Acknowledged {
  readonly append: number;
  readonly value: number;
  readonly offset: number;
  readonly name: string;
}

function checkAcknowledged(recorded: Recorded, at: number, finals: Finals, tally: AppendTally): void {
  const { appends, findings } = recorded;
  const offset = appends.offset.at(at);
  const size = appends.size.at(at);
  if (appends.count.at(at) !== size)
    findings.add(
      'bad-acknowledgement',
      `${size} records were sent, ${appends.count.at(at)} acknowledged`,
      () => [recorded.appendEvidence(at)],
    );
  for (const [index, value] of valuesOf(recorded, at).entries()) {
    const one = { append: at, value, offset: offset + index, name: textOf(recorded, value) };
    if (recorded.ledger.foundAt.at(value) === NONE) checkMissing(recorded, one, finals, tally);
    else checkFound(recorded, one);
    if (!recorded.ledger.read(one.offset)) recorded.ledger.claim(one.offset, value, appends.epoch.at(at), at);
  }
}

function checkFound(recorded: Recorded, { append, value, offset, name }: Acknowledged): void {
  const { ledger, findings, appends } = recorded;
  const found = ledger.foundAt.at(value);
  const slot = ledger.slot(offset);
  if (found !== offset) {
    // What stands at two offsets is told as such.
    if (ledger.doubles.get(value)?.offset === offset) return;
    findings.add('wrong-offset', `${name} was acknowledged at ${offset}, and is at ${found}`, () => [
      recorded.appendEvidence(append),
      recorded.readEvidence(ledger.foundBy.at(value)),
    ]);
  } else if (slot !== undefined && ledger.epoch.at(slot) !== appends.epoch.at(append))
    findings.add(
      'wrong-epoch',
      `${name} was acknowledged with epoch ${appends.epoch.at(append)}, and was read with ${ledger.epoch.at(slot)}`,
      () => [recorded.appendEvidence(append), ledger.evidence(slot)],
    );
}

function checkMissing(
  recorded: Recorded,
  { append, offset, name }: Acknowledged,
  finals: Finals,
  tally: AppendTally,
): void {
  const { ledger, findings } = recorded;
  const slot = ledger.slot(offset);
  if (slot !== undefined && ledger.read(offset))
    findings.add(
      'lost',
      `${name} was acknowledged at ${offset}, where ${textOf(recorded, ledger.value.at(slot))} is; it is nowhere`,
      () => [recorded.appendEvidence(append), ledger.evidence(slot)],
    );
  else if (finals.covers(offset))
    findings.add(
      'lost',
      `${name} was acknowledged at ${offset}, and no read has it; the log ends at ${finals.highestEnd}`,
      () => [recorded.appendEvidence(append), ...finals.evidence],
    );
  else if (finals.expired(offset)) tally.expired += 1;
  else tally.unread += 1;
}

function checkRefused(recorded: Recorded, at: number): void {
  const { ledger, findings } = recorded;
  for (const value of valuesOf(recorded, at)) {
    const found = ledger.foundAt.at(value);
    if (found !== NONE)
      findings.add('refused-stored', `${textOf(recorded, value)} was refused, and is at ${found}`, () => [
        recorded.appendEvidence(at),
        recorded.readEvidence(ledger.foundBy.at(value)),
      ]);
  }
}

/** Records of one append follow each other; a missing one is told where another record stands in its place. */
function checkWhole(recorded: Recorded, at: number, finals: Finals): void {
  const { ledger, findings } = recorded;
  const values = valuesOf(recorded, at);
  const anchor = values.findIndex((value) => ledger.foundAt.at(value) !== NONE);
  if (anchor === -1 || values.length === 1) return;
  const base = ledger.foundAt.at(values[anchor] as number) - anchor;
  for (const [index, value] of values.entries()) {
    const found = ledger.foundAt.at(value);
    const place = base + index;
    if (found === place || (found === NONE && !ledger.read(place) && !finals.lacks(place))) continue;
    const where = found === NONE ? 'nowhere' : `at ${found}`;
    findings.add(
      'torn-batch',
      `${textOf(recorded, values[anchor] as number)} is at ${base + anchor}, so ${textOf(recorded, value)} of the same append belongs at ${place}; it is ${where}`,
      () => [
        recorded.appendEvidence(at),
        recorded.readEvidence(ledger.foundBy.at(values[anchor] as number)),
        ...(found === NONE ? [] : [recorded.readEvidence(ledger.foundBy.at(value))]),
      ],
    );
    return;
  }
}

function checkNotBeforeSent(recorded: Recorded, at: number, clockSkewMs: number): void {
  const { ledger, findings, appends, reads } = recorded;
  const start = appends.start.at(at);
  for (const value of valuesOf(recorded, at)) {
    const read = ledger.seenBy.at(value);
    if (read === NONE) continue;
    const slackMs = reads.file.at(read) === appends.file.at(at) ? 0 : clockSkewMs;
    if (ledger.seenEnd.at(value) + slackMs < start)
      findings.add('before-sent', `${textOf(recorded, value)} was read before it was sent`, () => [
        recorded.readEvidence(read),
        recorded.appendEvidence(at),
      ]);
  }
}

const textOf = ({ values }: Recorded, value: number): string => JSON.stringify(values.text(value));

function valuesOf({ appends, sent }: Recorded, at: number): number[] {
  const first = appends.firstSent.at(at);
  return Array.from({ length: appends.size.at(at) }, (_, index) => sent.at(first + index));
}
