// What live readers are sent, made once for all of them: readers that have caught up all want the same offset next, and reading
// and formatting records costs more than sending them. Committed records never change, so that a chunk stays right for as
// long as it is kept.
import { LoggerError } from '../errors.ts';
import { eventsOf } from './rows.ts';
import type { LoggerService } from './types.ts';

export interface LiveChunk {
  /** Events, as they are sent. */
  readonly bytes: Buffer;
  /** Offset after them. */
  readonly next: number;
}

/** Readers are at a handful of places at a time; each chunk is as large as `maxBytes` says. */
const CHUNKS_MAX = 16;

export class LiveChunks {
  readonly #service: LoggerService;
  readonly #limits: { readonly maxRecords: number; readonly maxBytes: number };
  /** By the offset at which they begin; the oldest first. */
  readonly #chunks = new Map<number, Promise<LiveChunk>>();

  constructor(service: LoggerService, limits: { maxRecords: number; maxBytes: number }) {
    this.#service = service;
    this.#limits = limits;
  }

  /** Committed records from `offset` on, of which there is at least one. Rejects as `LoggerService.read`. */
  from(offset: number): Promise<LiveChunk> {
    // What is no longer kept is gone for every reader, whatever is remembered here.
    const known = offset < this.#service.offsets.first ? undefined : this.#chunks.get(offset);
    if (known !== undefined) return known;
    const chunk = this.#make(offset);
    this.#chunks.set(offset, chunk);
    chunk.catch(() => this.#chunks.delete(offset));
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= CHUNKS_MAX) break;
      this.#chunks.delete(oldest);
    }
    return chunk;
  }

  async #make(offset: number): Promise<LiveChunk> {
    const { records, next } = await this.#service.read(offset, this.#limits);
    if (next <= offset) throw new LoggerError('internal', `a read of ${offset} went to ${next}`);
    return { bytes: Buffer.from(await eventsOf(records)), next };
  }
}
