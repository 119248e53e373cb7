// The producer table as it was at an offset: the nearest copy or snapshot before it, and the batches since.

import { batchesOf, contentCrc } from './batch.ts';
import { RefusedError } from './damage.ts';
import type { LogParts } from './parts.ts';
import type { ProducerTable } from './producers.ts';
import { savedProducers } from './saved-producers.ts';

type Parts = Pick<LogParts, 'disk' | 'directory' | 'content' | 'reader'>;

/** Read at a time while batches are applied. */
const REPLAY_BYTES = 1024 * 1024;

/** A table of its own, holding all batches below `offset`, a batch's begin or the end. Within a turn. */
export async function producersAt(parts: Parts, offset: number): Promise<ProducerTable> {
  const { disk, directory, content, reader } = parts;
  const copy = content.tableCopyAt(offset);
  const segment = content.segments.holding(offset);
  const table = copy
    ? copy.table.copy()
    : await savedProducers(disk, directory, {
        segments: content.segments.list,
        segment,
        pairs: content.pairs,
      });
  for (let at = copy ? copy.offset : segment.base; at < offset; ) {
    const from = at;
    for (const buffer of await reader.read(at, { maxBytes: REPLAY_BYTES, below: offset })) {
      for (const { header, bytes } of batchesOf(buffer)) {
        if (header.producer) table.apply(header, contentCrc(bytes));
        at = header.baseOffset + header.count;
      }
    }
    if (at === from) throw new RefusedError(`offset ${offset} lies inside a batch`);
  }
  return table;
}
