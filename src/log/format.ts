// The format of record batches, for those who make or read batches elsewhere than in a log: the API and the client. It touches
// no file.
export { bytesCrc, HEADER_SIZE_BYTES } from './batch.ts';
export { writeHeader } from './encode.ts';
export { judgeOffered, type Offer, type OfferedLimits } from './offered.ts';
export { VarintReader, varintSize, writeVarint } from './varint.ts';
