// What must hold of the log as a whole: nobody's records are in it but those that were sent, each once; epochs and timestamps
// never fall; a producer's records stand in the order in which they were sent.
import { NONE } from '../codes.ts';
import type { Recorded } from '../record.ts';
import { placeOf } from './order.ts';

export function checkLedger(recorded: Recorded, { others }: { readonly others: boolean }): void {
  checkNeighbours(recorded);
  checkPhantoms(recorded, others);
  checkDoubles(recorded);
  checkProducers(recorded);
}

function checkNeighbours({ ledger, findings }: Recorded): void {
  let before: number | null = null;
  for (const slot of ledger.inOrder()) {
    const former = before;
    before = slot;
    if (former === null) continue;
    const evidence = () => [ledger.evidence(former), ledger.evidence(slot)];
    const [low, high] = [ledger.offset.at(former), ledger.offset.at(slot)];
    const [epochBefore, epoch] = [ledger.epoch.at(former), ledger.epoch.at(slot)];
    if (epoch < epochBefore)
      findings.add('epoch-falls', `epoch ${epochBefore} at ${low}, epoch ${epoch} at ${high}`, evidence);
    const [timeBefore, time] = [ledger.timestamp.at(former), ledger.timestamp.at(slot)];
    if (time !== NONE && time < timeBefore)
      findings.add('time-falls', `timestamp ${timeBefore} at ${low}, ${time} at ${high}`, evidence);
  }
}

/** Below every recording's base there are records of before; `others` says that others wrote beside. */
function checkPhantoms(recorded: Recorded, others: boolean): void {
  const { values, appendOf, ledger, findings, headers, appends, names } = recorded;
  const base = Math.min(...headers.map((header) => header.base ?? 0));
  const processes = new Set<string>(recorded.sends.keys());
  for (let at = 0; at < appends.line.length; at += 1) processes.add(names.text(appends.process.at(at)));
  for (let value = 0; value < values.size; value += 1) {
    const offset = ledger.foundAt.at(value);
    if (offset === NONE || offset < base || appendOf.at(value) !== NONE) continue;
    const text = values.text(value);
    const colon = text.lastIndexOf(':');
    const process = text.slice(0, colon);
    if (colon !== -1 && mayHaveSent(recorded, process, Number(text.slice(colon + 1)))) continue;
    if (others && !(colon !== -1 && processes.has(process))) continue;
    findings.add('phantom', `${JSON.stringify(text)} is at ${offset}, and nobody sent it`, () => [
      recorded.readEvidence(ledger.foundBy.at(value)),
    ]);
  }
}

/** Announced before it was sent, and then the recorder was killed. */
const mayHaveSent = ({ sends }: Recorded, process: string, number: number): boolean =>
  sends.get(process)?.some(({ from, to }) => from <= number && number <= to) === true;

function checkDoubles(recorded: Recorded): void {
  const { ledger, findings, values, appendOf } = recorded;
  for (const [value, { offset, read }] of ledger.doubles) {
    if (appendOf.at(value) === NONE && !announced(recorded, value)) continue;
    const first = ledger.foundAt.at(value);
    const moved = ledger.disputed.has(first) || ledger.disputed.has(offset);
    findings.add(
      moved ? 'two-offsets' : 'duplicate',
      `${JSON.stringify(values.text(value))} was read at ${first} and at ${offset}`,
      () => [recorded.readEvidence(ledger.foundBy.at(value)), recorded.readEvidence(read)],
    );
  }
}

function announced(recorded: Recorded, value: number): boolean {
  const text = recorded.values.text(value);
  const colon = text.lastIndexOf(':');
  return colon !== -1 && mayHaveSent(recorded, text.slice(0, colon), Number(text.slice(colon + 1)));
}

function checkProducers(recorded: Recorded): void {
  const { appends, findings } = recorded;
  const producers = new Map<string, number[]>();
  for (let at = 0; at < appends.line.length; at += 1) {
    if (appends.producer.at(at) === NONE || placeOf(recorded, at) === NONE) continue;
    const key = `${appends.process.at(at)} ${appends.producer.at(at)}`;
    const list = producers.get(key);
    if (list) list.push(at);
    else producers.set(key, [at]);
  }
  for (const list of producers.values()) {
    list.sort((a, b) => appends.call.at(a) - appends.call.at(b));
    let former: number | null = null;
    for (const at of list) {
      const before = former;
      if (before !== null && placeOf(recorded, at) < placeOf(recorded, before))
        findings.add(
          'producer-order',
          `call ${appends.call.at(at)} is at ${placeOf(recorded, at)}, call ${appends.call.at(before)} before it at ${placeOf(recorded, before)}`,
          () => [recorded.appendEvidence(before), recorded.appendEvidence(at)],
        );
      else former = at;
    }
  }
}
