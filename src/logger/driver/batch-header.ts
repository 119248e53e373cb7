// The few fields of Kafka's record batch header that replication needs; reading the whole header for each batch on the hot
// path would make garbage for nothing.
const LENGTH_AT = 8;
const LENGTH_ENDS_AT = 12;
const LAST_OFFSET_DELTA_AT = 23;

export const baseOffsetOf = (batch: Buffer): number => Number(batch.readBigInt64BE(0));

/** Of the last batch in a buffer that holds whole ones. */
export function endOffsetOf(buffer: Buffer): number {
  let at = 0;
  for (let next = nextAfter(buffer, at); next < buffer.length; next = nextAfter(buffer, at)) at = next;
  return Number(buffer.readBigInt64BE(at)) + buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1;
}

const nextAfter = (buffer: Buffer, at: number): number =>
  at + LENGTH_ENDS_AT + buffer.readInt32BE(at + LENGTH_AT);
