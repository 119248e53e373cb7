// The few fields of Kafka's record batch header that replication needs; reading the whole header for each batch on the hot
// path would make garbage for nothing.
const LAST_OFFSET_DELTA_AT = 23;

export const baseOffsetOf = (batch: Buffer): number => Number(batch.readBigInt64BE(0));
export const endOffsetOf = (batch: Buffer): number =>
  baseOffsetOf(batch) + batch.readInt32BE(LAST_OFFSET_DELTA_AT) + 1;
