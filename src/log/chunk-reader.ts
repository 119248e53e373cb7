// Buffered reading of one segment file, forwards mostly. Every refill is a buffer of its own, never written again: views
// of it may be handed out as they are.
import { batchSizeAt, HEADER_SIZE_BYTES, headerProblem, readHeader } from './batch.ts';
import { LogDamagedError } from './damage.ts';
import type { DiskFile } from './disk.ts';
import type { BatchHeader } from './types.ts';

export class ChunkReader {
  readonly #file: DiskFile;
  readonly #chunkSizeBytes: number;
  /** Nothing is read at or beyond this position. */
  readonly limit: number;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkAt = 0;

  constructor(file: DiskFile, limit: number, chunkSizeBytes: number) {
    this.#file = file;
    this.limit = limit;
    this.#chunkSizeBytes = chunkSizeBytes;
  }

  /** `length` bytes from `at` on, or fewer where the file ends before. A view. */
  async bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.limit - at));
    if (at < this.#chunkAt || at + wanted > this.#chunkAt + this.#chunk.length) await this.#fill(at, wanted);
    return this.#chunk.subarray(at - this.#chunkAt, at - this.#chunkAt + wanted);
  }

  /** The batch at `at`, as long as it says it is, if all of it is in memory already; else null. A view, unchecked. */
  heldBatch(at: number): Buffer | null {
    const from = at - this.#chunkAt;
    if (from < 0 || from + HEADER_SIZE_BYTES > this.#chunk.length) return null;
    const size = batchSizeAt(this.#chunk, from);
    if (size < HEADER_SIZE_BYTES || from + size > this.#chunk.length) return null;
    return this.#chunk.subarray(from, from + size);
  }

  async #fill(at: number, wanted: number): Promise<void> {
    const target = Buffer.allocUnsafe(Math.min(Math.max(wanted, this.#chunkSizeBytes), this.limit - at));
    const count = await this.#file.read(target, at);
    this.#chunk = target.subarray(0, count);
    this.#chunkAt = at;
  }

  /** The header of the batch at `at`. Rejects with LogDamagedError when there is no batch, or not all of it. */
  async header(at: number): Promise<BatchHeader> {
    const bytes = await this.bytes(at, HEADER_SIZE_BYTES);
    const problem = headerProblem(bytes, 0);
    if (problem !== null) throw new LogDamagedError(`position ${at}: ${problem}`);
    const header = readHeader(bytes, 0);
    if (header.sizeBytes > this.limit - at) throw new LogDamagedError(`position ${at}: the batch is cut off`);
    return header;
  }
}
