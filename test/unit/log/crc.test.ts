// CRCs of parts against those of the whole, over random lengths.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { joinCrcs } from '../../../src/log/crc.ts';
import { bytesCrc, HEADER_SIZE_BYTES } from '../../../src/log/format.ts';
import { batchesProblem, contentCrc, encodeBatch, stampBatch, stampTime } from '../../../src/log/index.ts';

const PRODUCER = { id: 7n, epoch: 1, sequence: 5 };

const batchOf = (sizeBytes: number, offset = 0): Buffer => {
  const batch = encodeBatch([{ value: randomBytes(sizeBytes) }], { timestampMs: 3, producer: PRODUCER });
  stampBatch(batch, offset, 9);
  return batch;
};

const recordsCrc = (batch: Buffer): number => crc32c(batch.subarray(HEADER_SIZE_BYTES));

const size = fc.oneof(fc.nat(200), fc.nat(100_000));

describe('CRCs that follow from others', () => {
  it('are those of the bytes one after another', () => {
    fc.assert(
      fc.property(size, size, (front, back) => {
        const [a, b] = [randomBytes(front), randomBytes(back)];
        assert.equal(joinCrcs(crc32c(a), crc32c(b), back), crc32c(Buffer.concat([a, b])));
      }),
    );
  });

  it('of a batch: its records, and the whole under another time', () => {
    fc.assert(
      fc.property(size, fc.maxSafeNat(), (bytes, timestampMs) => {
        const batch = batchOf(bytes);
        assert.equal(contentCrc(batch), recordsCrc(batch));
        stampTime(batch, timestampMs);
        assert.equal(batchesProblem(batch), null);
        assert.equal(contentCrc(batch), recordsCrc(batch));
      }),
    );
  });

  it('of a payload: batches small and large, alone or several in a buffer', () => {
    fc.assert(
      fc.property(fc.array(fc.array(size, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (buffers) => {
        const payload = buffers.map((sizes) => Buffer.concat(sizes.map((bytes) => batchOf(bytes, bytes))));
        assert.equal(bytesCrc(payload), crc32c(Buffer.concat(payload)));
      }),
    );
  });
});
