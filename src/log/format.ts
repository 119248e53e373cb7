// The format of record batches, for those who make or read batches elsewhere than in a log: the API and the client. It touches
// no file.
export { batchesProblem, batchSizeAt, FIELD, HEADER_SIZE_BYTES, LENGTH_OVERHEAD_BYTES } from './batch.ts';
export { writeHeader } from './encode.ts';
export { judgeOffered, type Offer, type OfferedLimits, stampTime } from './offered.ts';
export { recordsOf } from './records.ts';
export { VarintReader, varintSize, writeVarint } from './varint.ts';
