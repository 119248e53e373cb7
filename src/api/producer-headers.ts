// The three header fields that make an append idempotent, and the producer ids of paths. Ids have 63 bits, more than a
// JavaScript number holds, so they are strings outside and bigint inside.
import type { IncomingHttpHeaders } from 'node:http';
import { LoggerError } from '../errors.ts';
import type { ProducerStamp } from '../log/types.ts';

const MAX_PRODUCER_ID = 2n ** 63n - 1n;
const MAX_PRODUCER_EPOCH = 32_767;
const MAX_SEQUENCE = 2 ** 31 - 1;

const refuse = (detail: string): LoggerError => new LoggerError('invalid-producer', detail);

export function producerId(text: string): bigint {
  const id = /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : 0n;
  if (id < 1n || id > MAX_PRODUCER_ID)
    throw refuse(`producer id ${JSON.stringify(text)}: it takes a whole number from 1 to ${MAX_PRODUCER_ID}`);
  return id;
}

const FIELDS = ['producer-id', 'producer-epoch', 'producer-seq'] as const;

/** Null when none of the three is given. Throws invalid-producer when some are, or one is malformed or given twice. */
export function stampOf(headers: IncomingHttpHeaders): ProducerStamp | null {
  const given = FIELDS.filter((name) => headers[name] !== undefined);
  if (given.length === 0) return null;
  const missing = FIELDS.find((name) => headers[name] === undefined);
  if (missing !== undefined) throw refuse(`${given.join(' and ')} without ${missing}: it takes all three`);
  return {
    id: producerId(String(headers['producer-id'])),
    epoch: bounded('producer-epoch', headers, MAX_PRODUCER_EPOCH),
    sequence: bounded('producer-seq', headers, MAX_SEQUENCE),
  };
}

/**
 * The stamp with the last batch that it builds on, where the header fields name one. Throws invalid-producer when that is
 * malformed, or the batch is not the first of a later epoch.
 */
export function stampAfter(stamp: ProducerStamp | null, headers: IncomingHttpHeaders): ProducerStamp | null {
  const text = headers['producer-after'];
  if (text === undefined) return stamp;
  const parts = /^(\d{1,5})\/(\d{1,10})$/.exec(String(text));
  if (text !== 'none' && parts === null)
    throw refuse(`producer-after is ${JSON.stringify(text)}: it takes <epoch>/<last sequence> or none`);
  if (stamp === null) throw refuse('producer-after is given, and no producer');
  const after = parts && { epoch: Number(parts[1]), lastSequence: Number(parts[2]) };
  if (stamp.sequence !== 0 || (after !== null && after.epoch >= stamp.epoch))
    throw refuse('producer-after is for the first batch of a later epoch');
  return { ...stamp, after };
}

/** A batch has one sequence per record, and all of them must fit. */
export function requireSequences(stamp: ProducerStamp | null, count: number): void {
  if (stamp !== null && stamp.sequence + count - 1 > MAX_SEQUENCE)
    throw refuse(`${count} records from sequence ${stamp.sequence} pass ${MAX_SEQUENCE}: begin a new epoch`);
}

function bounded(name: (typeof FIELDS)[number], headers: IncomingHttpHeaders, high: number): number {
  const text = String(headers[name]);
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= high))
    throw refuse(`${name} is ${JSON.stringify(text)}: it takes a whole number from 0 to ${high}`);
  return value;
}
