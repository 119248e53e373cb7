// Reads the log back after a run and compares it with what was acknowledged: without that a figure may be of records that are
// not there.
import type { LogClient } from '../../src/client/index.ts';
import { numberOf } from './payload.ts';

const READ_RECORDS = 100_000;

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

/** One producer sent the numbers 1 to `acknowledged`, in order and perhaps more, each record of `sizeBytes`. */
export const readBack = (client: LogClient, acknowledged: number, sizeBytes: number): Promise<ReadBack> =>
  compare(client, acknowledged, sizeBytes, true);

/** As `readBack`, of several producers at once: no order is expected. */
export const readBackAny = (client: LogClient, acknowledged: number, sizeBytes: number): Promise<ReadBack> =>
  compare(client, acknowledged, sizeBytes, false);

async function compare(
  client: LogClient,
  acknowledged: number,
  sizeBytes: number,
  ordered: boolean,
): Promise<ReadBack> {
  const seen = new Uint8Array(acknowledged + 1);
  let [read, twice, outOfOrder, damaged, last] = [0, 0, 0, 0, 0];
  for (let offset = 0, commit = 1; offset < commit || read < acknowledged; ) {
    const answer = await client.read({ offset, limit: READ_RECORDS });
    if (answer.records.length === 0) break;
    for (const { value } of answer.records) {
      read += 1;
      const number = numberOf(Buffer.from(value), sizeBytes);
      if (number === null) {
        damaged += 1;
        continue;
      }
      if (number <= acknowledged && seen[number] === 1) twice += 1;
      else if (ordered && number < last) outOfOrder += 1;
      if (number <= acknowledged) seen[number] = 1;
      last = number;
    }
    ({ next: offset, commit } = answer);
  }
  let lost = 0;
  for (let number = 1; number <= acknowledged; number += 1) if (seen[number] === 0) lost += 1;
  return { read, lost, twice, outOfOrder, damaged };
}
