// A log on the disk in memory, and small batches for it.
import assert from 'node:assert/strict';
import {
  encodeBatch,
  type OpenedLog,
  type OpenOptions,
  openLog,
  type ProducerStamp,
  stampBatch,
} from '../../src/log/index.ts';
import type { Log } from '../../src/log/types.ts';
import { MemoryDisk, type Operation } from './memory-disk.ts';

export const DIRECTORY = '/data';
/** Above what tests append, unless they want to see segments roll. */
const SEGMENT_SIZE_BYTES = 64 * 1024;

let uuids = 0;

/** Opens (or makes) the log of `disk`. A failure that the test does not expect fails it. */
export function openOn(disk: MemoryDisk, options: Partial<OpenOptions> = {}): Promise<OpenedLog> {
  return openLog({
    disk,
    directory: DIRECTORY,
    randomUuid: () => {
      uuids += 1;
      return `uid-${uuids}`;
    },
    onFatal: (error) => {
      throw error;
    },
    waitForRoom: neverRoom,
    segmentSizeBytes: SEGMENT_SIZE_BYTES,
    recentBytes: 16 * 1024,
    reserveBytes: 0,
    ...options,
  });
}

/** Waits until the log closes. */
export const neverRoom = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Above every epoch that tests give to a log: a log beyond its promise is not believed. */
export const PROMISE = {
  promisedEpoch: 1000,
  promisedIncarnation: 'promised',
  members: [],
  membersVersion: { epoch: 0, revision: 0 },
};

/** A new log with a pair of epoch 1, on a disk of its own. */
export async function freshLog(
  options: Partial<OpenOptions> = {},
  capacityBytes = Number.POSITIVE_INFINITY,
): Promise<OpenedLog & { readonly disk: MemoryDisk }> {
  const disk = new MemoryDisk();
  disk.capacityBytes = capacityBytes;
  const opened = await openOn(disk, options);
  await opened.state.save(PROMISE);
  await opened.log.addPair({ epoch: 1, start: 0 });
  return { ...opened, disk };
}

export interface BatchOptions {
  readonly values?: readonly string[];
  readonly timestampMs?: number;
  readonly producer?: ProducerStamp | null;
  readonly epoch?: number;
}

/** A batch that continues `log`. */
export function nextBatch(log: Log, options: BatchOptions = {}): Buffer {
  const { values = ['value'], timestampMs = log.lastTimestampMs + 1, producer = null } = options;
  const batch = encodeBatch(
    values.map((value) => ({ value: Buffer.from(value) })),
    { timestampMs, producer },
  );
  stampBatch(batch, log.end, options.epoch ?? log.position.epoch);
  return batch;
}

/** Appends batches of one record each, without syncing them. Returns them. */
export function appendMany(log: Log, count: number, sizeBytes = 10): Buffer[] {
  const batches: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const batch = nextBatch(log, { values: [`${log.end} `.padEnd(sizeBytes, '.')] });
    log.append([batch]);
    batches.push(batch);
  }
  return batches;
}

/** All bytes that the log serves from `from` on, read as a catching-up follower would. */
export async function readAll(log: Log, from = log.first): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let offset = from; offset < log.end; ) {
    const read = await log.read(offset, { maxBytes: 4096, below: log.end });
    for (const buffer of read) {
      parts.push(buffer);
      bytes += buffer.length;
      offset = endOf(buffer);
    }
    if (read.length === 0) throw new Error(`nothing at ${offset} after ${bytes} bytes`);
  }
  return Buffer.concat(parts);
}

/** As assert.deepEqual of two buffers, quick for large ones. */
export function assertBytes(actual: Buffer | readonly Buffer[], expected: Buffer | readonly Buffer[]): void {
  const [one, other] = [actual, expected].map((bytes) =>
    Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes),
  );
  assert.ok(one && other);
  assert.equal(one.length, other.length, 'bytes in all');
  if (one.equals(other)) return;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  assert.fail(`they differ from byte ${at} on`);
}

/** Offset after the last batch in a buffer of whole ones. */
function endOf(buffer: Buffer): number {
  let end = 0;
  for (let at = 0; at < buffer.length; at += buffer.readInt32BE(at + 8) + 12)
    end = Number(buffer.readBigInt64BE(at)) + buffer.readInt32BE(at + 23) + 1;
  return end;
}

export interface Held {
  /** Resolves when the operation has come. */
  readonly arrived: Promise<void>;
  /** Lets it take effect. */
  release(): void;
  /** Makes it fail, without effect. */
  fail(code: string): void;
}

const matches = (operation: Operation, kind: Operation['kind'], pathEnd: string): boolean =>
  operation.kind === kind && operation.path.endsWith(pathEnd);

/** Holds the next operation of that kind on a file whose path ends so. */
export function hold(disk: MemoryDisk, kind: Operation['kind'], pathEnd = ''): Held {
  const arrival = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const hook = (operation: Operation): Promise<void> | void => {
    if (!matches(operation, kind, pathEnd)) return;
    disk.hooks.delete(hook);
    arrival.resolve();
    return leave.promise;
  };
  disk.hooks.add(hook);
  return {
    arrived: arrival.promise,
    release: () => leave.resolve(),
    fail: (code) => leave.reject(failure(code)),
  };
}

/** Makes every operation of that kind, on a file whose path ends so, fail. Returns how to end that. */
export function failAll(disk: MemoryDisk, code: string, kind: Operation['kind'], pathEnd = ''): () => void {
  const hook = (operation: Operation): void => {
    if (matches(operation, kind, pathEnd)) throw failure(code);
  };
  disk.hooks.add(hook);
  return () => disk.hooks.delete(hook);
}

const failure = (code: string): Error => Object.assign(new Error(`${code}: made to fail`), { code });

/** Counts the operations of a kind from here on. */
export function count(disk: MemoryDisk, kind: Operation['kind'], pathEnd = ''): () => number {
  let times = 0;
  disk.hooks.add((operation) => {
    if (matches(operation, kind, pathEnd)) times += 1;
  });
  return () => times;
}

/** Lets everything happen that can happen without anybody else: the disk in memory only needs microtasks. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whether `work` ended, or the machine stopped first (see MemoryDisk.stopAt). */
export async function endsBeforeStop(disk: MemoryDisk, work: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const end = work.then(() => {
    ended = true;
  });
  while (!ended && !disk.stopped) await Promise.race([end, settle()]);
  return ended;
}
