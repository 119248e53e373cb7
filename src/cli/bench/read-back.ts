// Reads what a bench has written and compares it with what was acknowledged: a figure of records that are not there is none.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogClient } from '../../client/index.ts';
import type { Acknowledged, Found } from './acknowledged.ts';
import { originOf } from './payload.ts';

const PAGE_RECORDS = 10_000;
/** A logger that is asked may not have heard yet that the last ones are committed. */
const BEHIND_MS = 20;

export interface Checked extends Found {
  /** Records of this bench that were looked for. */
  readonly records: number;
}

/** `signal` is asked for before each page; its abort rejects. */
export async function readBack(
  client: LogClient,
  all: readonly Acknowledged[],
  { run, sizeBytes, signal }: { run: string; sizeBytes: number; signal: () => AbortSignal },
): Promise<Checked> {
  const firsts = all.flatMap(({ first }) => first ?? []);
  const end = Math.max(...all.map(({ last }) => last)) + 1;
  for (let next = firsts.length === 0 ? end : Math.min(...firsts); next < end; ) {
    const page = await client.read({ offset: next, limit: PAGE_RECORDS, signal: signal() });
    for (const { offset, value } of page.records) {
      const origin = originOf(value, run, sizeBytes);
      if (origin !== null) all[origin.producer]?.found(origin.number, offset);
    }
    if (page.records.length === 0) await sleep(BEHIND_MS, undefined, { signal: signal() });
    next = page.next;
  }
  const results = all.map(({ result }) => result);
  const sum = (of: (found: Found) => number): number => results.reduce((so, each) => so + of(each), 0);
  return {
    records: all.reduce((so, { checked }) => so + checked, 0),
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    misplaced: sum(({ misplaced }) => misplaced),
  };
}
