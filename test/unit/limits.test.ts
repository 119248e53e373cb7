// The sizes that depend on each other: what passes one of them passes the next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOUNDS } from '../../src/api/bounds.ts';
import { recordOfRaw, recordsOfElements } from '../../src/api/records.ts';
import { loggerSettings, readConfig } from '../../src/config.ts';
import {
  BATCH_MAX_SIZE_BYTES,
  BODY_MAX_BYTES,
  INBOX_MAX_BYTES,
  limitProblems,
  memoryWarning,
  PAYLOAD_BYTES_MAX,
  RECORDS_PER_APPEND_MAX,
  retentionWarnings,
  SEND_BUFFER_BYTES_MAX,
  segmentSizeOf,
  UNWRITTEN_MAX_BYTES,
} from '../../src/limits.ts';
import { encodeBatch, type Log, type RecordInput, stampBatch } from '../../src/log/index.ts';
import { Stream } from '../../src/logger/driver/stream.ts';
import { startLogger } from '../../src/logger/start.ts';
import type { Message } from '../../src/replica/index.ts';
import { encodeFrame } from '../../src/replication/frames.ts';
import { encodeMessage } from '../../src/replication/messages.ts';

const MiB = 1024 * 1024;

const fits = { recordBytes: BODY_MAX_BYTES, maxRecords: BOUNDS.maxRecordsPerAppend };
const encoded = (records: readonly RecordInput[]): Buffer =>
  encodeBatch(records, { timestampMs: 0, producer: null });

/** As many records as may be in one body of the largest size, each with a key and as much value as is left for it. */
function manyRecords(): Buffer {
  const wrapping = '{"key":"k","value":""},'.length;
  const value = 'v'.repeat(Math.floor((BODY_MAX_BYTES - 2) / RECORDS_PER_APPEND_MAX) - wrapping);
  const element = `{"key":"k","value":"${value}"}`;
  return Buffer.from(`[${Array(RECORDS_PER_APPEND_MAX).fill(element).join()}]`);
}

test('the largest body is a batch within the bound, as one record or as many', async () => {
  const one = Buffer.alloc(BODY_MAX_BYTES, 'x');
  const many = await recordsOfElements('application/json', manyRecords(), fits);
  for (const batch of [encoded([recordOfRaw(one, fits)]), encoded(many)])
    assert.ok(batch.length <= BATCH_MAX_SIZE_BYTES, `${batch.length} bytes`);
  const empty = Array(RECORDS_PER_APPEND_MAX).fill({ key: Buffer.alloc(1), value: Buffer.alloc(0) });
  const overhead = encodeBatch(empty, { timestampMs: 0, producer: null }).length;
  assert.ok(BODY_MAX_BYTES + overhead - RECORDS_PER_APPEND_MAX < BATCH_MAX_SIZE_BYTES);
});

/** A log of batches that end at 1, 2, …, and the bytes of what a stream sends of it before the first acknowledgement. */
function sentUnacknowledged(batches: readonly Buffer[]): { bytes: number; messages: Message[] } {
  for (const [offset, batch] of batches.entries()) stampBatch(batch, offset, 1);
  const messages: Message[] = [];
  const log = {
    first: 0,
    end: batches.length,
    pairs: [{ epoch: 1, start: 0 }],
    readRecent: (from: number) => batches.slice(from, from + 1),
  } as unknown as Log;
  const outlet = {
    now: () => 0,
    send: (_: number, message: Message) => messages.push(message),
    behind: () => assert.fail('behind'),
    unreadable: (error: Error) => assert.fail(error.message),
    commit: 0,
  };
  const position = { epoch: 1, end: 0 };
  new Stream(log, outlet, { link: 1, epoch: 1, stream: 1, position, until: null }).pump();
  let bytes = 0;
  for (const message of messages)
    if (message.type === 'batches') for (const batch of message.batches) bytes += batch.length;
  return { bytes, messages };
}

test('what a stream has under way fits the inbox of its receiver, each message a frame, all of them a link', () => {
  const one = (size: number): Buffer =>
    encodeBatch([{ value: Buffer.alloc(size) }], { timestampMs: 0, producer: null });
  // A window that is one byte short of full, and then a batch of the largest size.
  const window = Array.from({ length: 8 }, (_, at) => one(MiB - (at === 0 ? 1000 : 80)));
  const largest = one(BATCH_MAX_SIZE_BYTES - 61 - 20);
  const { bytes, messages } = sentUnacknowledged([...window, largest, one(1)]);
  assert.equal(messages.length, 9);
  assert.ok(bytes > 72 * MiB && bytes <= INBOX_MAX_BYTES, `${bytes} bytes`);
  assert.ok(bytes * 2 <= SEND_BUFFER_BYTES_MAX && bytes <= UNWRITTEN_MAX_BYTES);
  const { header, payload } = encodeMessage(messages.at(-1) as Message);
  assert.ok(encodeFrame(header, payload).length > 1);
  assert.ok(largest.length <= PAYLOAD_BYTES_MAX);
});

const configured = (environment: Record<string, string>) => readConfig(loggerSettings, environment);

test('limits that do not fit each other are refused at start, by name', async () => {
  assert.deepEqual(limitProblems(configured({})), []);
  const equal = { DLOG_BODY_LIMIT_BYTES: '67108864', DLOG_MAX_PENDING_BYTES: '67108864' };
  assert.deepEqual(limitProblems(configured(equal)), []);
  const environment = { DLOG_MAX_PENDING_BYTES: '4194303' };
  assert.match(
    limitProblems(configured(environment)).join(),
    /^DLOG_MAX_PENDING_BYTES is 4194303: a body of DLOG_BODY_LIMIT_BYTES \(4194304\) would never be taken/,
  );
  await assert.rejects(startLogger(environment), { name: 'ConfigError', message: /DLOG_BODY_LIMIT_BYTES/ });
});

test('people are warned where full queues need more memory than there is', () => {
  assert.equal(memoryWarning(configured({}), 512 * MiB), null, "the chart's default");
  const large = configured({ DLOG_MAX_PENDING_BYTES: String(512 * MiB) });
  assert.match(memoryWarning(large, 512 * MiB) ?? '', /about \d+ bytes of memory, and there are 536870912/);
  assert.equal(memoryWarning(large, Number.POSITIVE_INFINITY), null);
});

test('segments are small enough for the retention, which people are told', () => {
  const roomy = 2 ** 40;
  const defaults = configured({});
  assert.equal(segmentSizeOf(defaults), 128 * MiB);
  assert.deepEqual(retentionWarnings(defaults, 0), []);
  const large = configured({ DLOG_RETENTION_BYTES: String(512 * MiB) });
  assert.equal(segmentSizeOf(large), 128 * MiB);
  assert.deepEqual(retentionWarnings(large, roomy), []);
  const small = configured({ DLOG_RETENTION_BYTES: '20000000' });
  assert.equal(segmentSizeOf(small), 5_000_000);
  assert.match(
    retentionWarnings(small, 64e6).join(),
    /^DLOG_RETENTION_BYTES is 20000000, below .* 5000000 bytes/,
  );
  assert.equal(segmentSizeOf(configured({ DLOG_RETENTION_BYTES: '1' })), MiB);
  assert.match(retentionWarnings(large, 600 * MiB).join(), /the 629145600 bytes of the volume/);
  assert.deepEqual(retentionWarnings(large, 656 * MiB), []);
});
