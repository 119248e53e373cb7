// Reads the log back after a run and compares it with what was acknowledged: without that a figure may be of records that are
// not there.
import type { LogClient } from '../../src/client/index.ts';
import { numberOf } from './payload.ts';

export interface ReadBack {
  readonly read: number;
  /** Acknowledged, and not there. */
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
  readonly damaged: number;
}

export const isWhole = ({ lost, twice, outOfOrder, damaged }: ReadBack): boolean =>
  lost + twice + outOfOrder + damaged === 0;

/** One producer sent the numbers 1 to `acknowledged` and perhaps more, each record of `sizeBytes`. */
export async function readBack(
  client: LogClient,
  acknowledged: number,
  sizeBytes: number,
): Promise<ReadBack> {
  const seen = new Uint8Array(acknowledged + 1);
  let [read, twice, outOfOrder, damaged, last] = [0, 0, 0, 0, 0];
  for (let offset = 0; ; ) {
    const { records, next, commit } = await client.read({ offset, limit: 100_000 });
    for (const { value } of records) {
      read += 1;
      const number = numberOf(Buffer.from(value), sizeBytes);
      if (number === null) damaged += 1;
      else if (number <= acknowledged && seen[number] === 1) twice += 1;
      else if (number < last) outOfOrder += 1;
      if (number === null) continue;
      if (number <= acknowledged) seen[number] = 1;
      last = number;
    }
    offset = next;
    if (next >= commit && read >= acknowledged) break;
    if (records.length === 0) break;
  }
  let lost = 0;
  for (let number = 1; number <= acknowledged; number += 1) if (seen[number] === 0) lost += 1;
  return { read, lost, twice, outOfOrder, damaged };
}
