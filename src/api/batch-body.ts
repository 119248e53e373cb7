// A body that is a record batch already, as the TypeScript client makes it: judged, and taken as it is.
import { LoggerError } from '../errors.ts';
import { judgeOffered, type OfferedLimits } from '../log/format.ts';
import type { OfferedBatch } from './types.ts';

/** Throws invalid-batch, body-too-large or record-too-large. */
export function batchOfBody(body: Buffer, limits: OfferedLimits): OfferedBatch {
  const offer = judgeOffered(body, limits);
  switch (offer.kind) {
    case 'good':
      return { bytes: body, count: offer.count, producer: offer.producer };
    case 'malformed':
      throw new LoggerError('invalid-batch', `the body is no record batch: ${offer.problem}`);
    case 'too-many':
      throw new LoggerError('body-too-large', `the batch holds ${offer.count} records`, {
        extra: { limitRecords: limits.maxRecords },
      });
    case 'record-too-large':
      throw new LoggerError('record-too-large', `record ${offer.record + 1} has ${offer.sizeBytes} bytes`, {
        extra: { record: offer.record + 1, limitBytes: limits.recordBytes },
      });
  }
}
