// Every limit of the HTTP API in one place. `ApiLimits` are the operator's (configuration); the bounds are ours: wide
// enough that no honest client meets them, narrow enough that a hostile one cannot hold memory or connections for long.

import { RECORDS_PER_APPEND_MAX } from '../limits.ts';

const seconds = 1000;
const KiB = 1024;

/** The limits that configuration sets. */
export interface ApiLimits {
  /** Largest request body. */
  readonly bodyBytes: number;
  /** Largest record: key and value. A raw body is one record, so this bounds it too. */
  readonly recordBytes: number;
  /** All request bodies being received or waiting for their commit, together; more get 503. */
  readonly bufferedBytes: number;
  /** Live readers (event streams and long-polls) at a time; more get 429. */
  readonly readers: number;
}

export const BOUNDS = {
  /** Connections at a time, and from one address: nobody alone takes all. More of them are spare ones. */
  maxConnections: 10_000,
  maxConnectionsPerAddress: 5_000,
  /** For probes when all places are taken; the longest silent one makes room for the next. */
  spareConnections: 64,
  /**
   * Connections that may wait to be taken, as far as the kernel allows it (net.core.somaxconn). After a takeover all clients come at
   * once; one that finds no place tries again after 1 s at the earliest, and may believe for half a minute that it is connected.
   */
  backlog: 4096,
  /** A TLS handshake must be done by then. */
  tlsHandshakeTimeoutMs: 10 * seconds,
  /** Request line and header fields; also bounds the length of a URL. */
  maxHeaderBytes: 16 * KiB,
  headersTimeoutMs: 10 * seconds,
  /** A whole request, body included, must have arrived by then. */
  requestTimeoutMs: 30 * seconds,
  /** How often these timeouts, and `drainTimeoutMs`, are checked. */
  timeoutCheckMs: 1 * seconds,
  /** Above the 60 s of common load balancers, so that it is they who close an idle connection. */
  keepAliveTimeoutMs: 65 * seconds,
  /** Peers that vanished without a word are asked for by TCP itself. */
  tcpKeepAliveMs: 30 * seconds,
  /** A connection on which nothing moves, and that waits for nothing of ours, is closed. */
  stallTimeoutMs: 60 * seconds,
  /** What was written must be taken by then, so that nobody keeps a place by taking a byte at a time. */
  drainTimeoutMs: 120 * seconds,
  /** After an early answer the rest of the body is taken and thrown away for this long, so that the client can read it. */
  lingerMs: 5 * seconds,
  /** A refusal for want of room is held back so long, and no more than so many at a time: see early-refusal.ts. */
  refusalHoldMs: 100,
  maxHeldRefusals: 10_000,
  /** Comments on an event stream: below the idle timeouts of proxies, and below `stallTimeoutMs`. */
  heartbeatMs: 15 * seconds,
  /** What a browser waits before it reconnects an event stream. */
  reconnectMs: 1 * seconds,
  maxWaitMs: 60 * seconds,
  defaultReadRecords: 1_000,
  maxReadRecords: 100_000,
  /** Plain reads in progress at a time; more get 429. */
  maxReads: 256,
  /** What a plain read, and what an event stream, takes from the log at a time. */
  readChunkBytes: 256 * KiB,
  liveChunkBytes: 64 * KiB,
  maxRecordsPerAppend: RECORDS_PER_APPEND_MAX,
  transferBodyBytes: 4 * KiB,
  membersBodyBytes: 4 * KiB,
  /** How long the answer about a producer waits for its last record's commit. */
  producerWaitMs: 5 * seconds,
} as const;

export type Bounds = { readonly [K in keyof typeof BOUNDS]: number };
