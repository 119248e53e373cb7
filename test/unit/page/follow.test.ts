// What the status page makes of a stream of events that is not what it should be. Thousands of others are in test/fuzz.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Follow, pageFollow, type Row } from '../../support/page-follow.ts';
import { Teller } from '../../support/teller.ts';

const never = new AbortController().signal;
const event = (row: unknown): string => `id: 1\ndata: ${JSON.stringify(row)}\n\n`;
const record = (offset: number): Row => ({ offset, timestamp: 1, epoch: 1, value: `v${offset}` });
const problem = (of: unknown): string => `event: problem\ndata: ${JSON.stringify(of)}\n\n`;

describe('the status page follows a stream', () => {
  let teller: Teller;
  let follow: Follow;
  let restore: () => void;
  before(async () => {
    teller = await Teller.open();
    ({ follow, restore } = await pageFollow(teller.url));
  });
  after(async () => {
    restore();
    await teller.close();
  });

  async function followed(text: string, status = 200) {
    teller.tell(status, Buffer.from(text), 10_000);
    const offsets: unknown[] = [];
    const onRows = (rows: readonly Row[]): void => void offsets.push(...rows.map(({ offset }) => offset));
    const error = await follow(5, never, { onOpen: () => {}, onRows }).then(
      () => null,
      (reason: Error) => reason,
    );
    return { offsets, error };
  }

  it('takes the records that were asked for', async () => {
    const { offsets, error } = await followed(`retry: 1\n\n${event(record(5))}: x\n\n${event(record(6))}`);
    assert.deepEqual([offsets, error], [[5, 6], null]);
  });

  const others = [record(7), record(5), null, {}, { ...record(6), offset: '6' }, { ...record(6), value: 6 }];
  for (const other of others)
    it(`takes nothing in the place of the next record: ${JSON.stringify(other)}`, async () => {
      const { offsets, error } = await followed(event(record(5)) + event(other) + event(record(6)));
      assert.deepEqual(offsets, [5]);
      assert.equal(error?.message, 'no record with offset 6 came');
    });

  it('takes what came before a problem, in one piece with it', async () => {
    const gone = { status: 410, code: 'offset-gone', detail: 'too old', first: 9 };
    const { offsets, error } = await followed(event(record(5)) + problem(gone));
    assert.deepEqual([offsets, error?.message], [[5], 'too old']);
  });

  it('tells of a problem that is none', async () => {
    assert.equal((await followed(problem(null))).error?.message, 'HTTP without a status');
    assert.equal((await followed('null', 503)).error?.message, 'HTTP 503');
  });
});
