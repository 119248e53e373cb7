// What a leader says of a batch whose sequence is not the next one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import { encodeBatch, type Log, type ProducerStamp, type ProducerState } from '../../../src/log/index.ts';
import { Proposals } from '../../../src/logger/driver/proposals.ts';

const KNOWN: ProducerState = { id: 7n, epoch: 1, lastSequence: 41, lastOffset: 100 };

async function refusalOf(producer: ProducerStamp): Promise<LoggerError> {
  const log = {
    judge: () => ({ kind: 'refused', code: 'sequence-gap' }),
    producer: (id: bigint) => (id === KNOWN.id ? KNOWN : null),
  } as unknown as Log;
  const proposals = new Proposals(log, () => assert.fail('it was appended'));
  proposals.leading(1, 0);
  const batch = encodeBatch([{ value: Buffer.from('a') }], { timestampMs: 0, producer });
  const error = await proposals.propose(batch, 1, producer).catch((failure: unknown) => failure);
  assert.ok(error instanceof LoggerError);
  assert.equal(error.code, 'sequence-gap');
  return error;
}

test('a gap says which sequence is expected', async () => {
  const gap = await refusalOf({ id: 7n, epoch: 1, sequence: 50 });
  assert.equal(gap.extra.expectedSequence, 42);
  assert.match(gap.message, /sequence 42 of epoch 1 is expected, not 50/);
  // A new epoch, and a producer never heard of, begin with 0.
  assert.equal((await refusalOf({ id: 7n, epoch: 2, sequence: 50 })).extra.expectedSequence, 0);
  assert.equal((await refusalOf({ id: 8n, epoch: 1, sequence: 50 })).extra.expectedSequence, 0);
});
