// What must hold within one read: it begins where it was asked to, has no hole, and gives only what it calls committed. Checked
// as the read comes by, since its rows are not kept.
import type { ReadCall } from '../history.ts';
import type { Recorded } from '../record.ts';

/** `at` is the read's number in `recorded`. */
export function checkRead(
  { offset, records, commit, outcome }: ReadCall,
  at: number,
  recorded: Recorded,
): void {
  const { findings } = recorded;
  const evidence = () => [recorded.readEvidence(at)];
  let expected = typeof offset === 'number' ? offset : records[0]?.[0];
  for (const [found] of records) {
    if (found !== expected)
      findings.add('hole', `a read got offset ${found} where ${expected} should be`, evidence);
    expected = found + 1;
  }
  if (commit === null) return;
  const last = records.at(-1);
  if (last && last[0] >= commit)
    findings.add('beyond-commit', `a read got offset ${last[0]} and says commit ${commit}`, evidence);
  if (outcome === 'ok' && !last && typeof offset === 'number' && offset < commit)
    findings.add('hole', `a read from ${offset} got no record, and says commit ${commit}`, evidence);
}
