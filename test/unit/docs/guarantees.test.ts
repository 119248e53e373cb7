// The limits that docs/reference/guarantees.md names, against the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  BATCH_MAX_SIZE_BYTES,
  INBOX_MAX_BYTES,
  PAYLOAD_BYTES_MAX,
  RECENT_BYTES,
  RESERVE_BYTES,
  UNWRITTEN_MAX_BYTES,
  WINDOW_BYTES,
} from '../../../src/limits.ts';
import { PRODUCER_EPOCH_MAX, SEQUENCE_MODULUS } from '../../../src/log/batch.ts';
import { SEGMENT_OFFSETS_MAX } from '../../../src/log/content.ts';
import { BATCHES_PER_PRODUCER, PRODUCER_EXPIRY_MS, PRODUCERS_MAX } from '../../../src/log/producers.ts';
import { CATCH_UP_RATE, CLOCK_STALE_MS } from '../../../src/logger/driver/log-time.ts';
import { HELD_MAX } from '../../../src/logger/driver/outside.ts';
import { LEADER_WAIT_MS } from '../../../src/logger/leader-wait.ts';
import { DEFAULT_TIMINGS } from '../../../src/replica/index.ts';
import { CONNECTIONS_MAX, MEMBERS_MAX, PAIRS_MAX, PEERS_MAX } from '../../../src/replication/limits.ts';

const page = readFileSync(new URL('../../../docs/reference/guarantees.md', import.meta.url), 'utf8');
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [name, Number(value)]),
);

const LIMITS = {
  BATCH_MAX_SIZE_BYTES,
  SEGMENT_OFFSETS_MAX,
  PRODUCERS_MAX,
  PRODUCER_EXPIRY_MS,
  BATCHES_PER_PRODUCER,
  PRODUCER_EPOCH_MAX,
  SEQUENCE_MODULUS,
  RESERVE_BYTES,
  RECENT_BYTES,
  UNWRITTEN_MAX_BYTES,
  LEADER_WAIT_MS,
  CLOCK_STALE_MS,
  CATCH_UP_RATE,
  HELD_MAX,
  MEMBERS_MAX,
  PEERS_MAX,
  CONNECTIONS_MAX,
  PAIRS_MAX,
  WINDOW_BYTES,
  PAYLOAD_BYTES_MAX,
  INBOX_MAX_BYTES,
};

test('every limit on the page has the value of the code, and no other name is on it', () => {
  const known: Readonly<Record<string, number>> = { ...LIMITS, ...DEFAULT_TIMINGS };
  for (const name of Object.keys(LIMITS)) assert.ok(rows.has(name), `${name} is on the page`);
  for (const [name = '', value] of rows) assert.equal(value, known[name], name);
});
