// The bounds of the wire that no other size depends on; those of payloads are in src/limits.ts. docs/internals/wire.md explains
// those that are choices.

const KiB = 1024;
const MiB = 1024 * KiB;

/** A hello is a handful of short strings; until it was checked nobody may make us hold more. */
export const HELLO_BYTES_MAX = 4 * KiB;
/** The JSON part of a frame. The largest is `restart` of a log with tens of thousands of epochs. */
export const HEADER_BYTES_MAX = 2 * MiB;
/** Batches in one `batches` message. */
export const BATCHES_MAX = 65_536;
/** Epoch pairs in one `restart`. */
export const PAIRS_MAX = 65_536;
/** Uids in one `pre-vote-answer`. */
export const MEMBERS_MAX = 1024;
/** Ids, uids, incarnations, addresses. */
export const TEXT_CHARS_MAX = 1024;

/** Unsent bytes of a heartbeat connection: some hundred beats that nobody reads. */
export const BEAT_BUFFER_BYTES_MAX = 64 * KiB;
/** Accepted connections at a time, each of the two listeners. */
export const CONNECTIONS_MAX = 512;
/** Addresses that are dialled. */
export const PEERS_MAX = 256;

/** For the name lookup of a dial; a lookup that goes on is shared by the next dial. */
export const RESOLVE_TIMEOUT_MS = 5_000;
/** For TCP alone. The kernel repeats a lost SYN after 1 s: dialling anew is sooner. */
export const CONNECT_TIMEOUT_MS = 500;
/** From the TCP connection to the end of the hellos, TLS included. */
export const HANDSHAKE_TIMEOUT_MS = 1_500;
export const REDIAL_FIRST_MS = 10;
export const REDIAL_MAX_MS = 1_000;
/** A link that stood this long was a good one: after it the first redials are quick again. */
export const STOOD_WELL_MS = 1_000;
/** How long two dials of the same pair of loggers may overlap: a younger link is not replaced by the peer's dial. */
export const SETTLE_MS = 2_500;

/** A link on which nothing was sent for this long says that it is there. */
export const KEEPALIVE_MS = 500;
/** A link on which nothing arrived for this long is dead: its node was cut off without a word. */
export const LINK_SILENCE_MS = 2_000;
/** Less than that, since checks come with turns of a timer that may be a little early. */
export const LIVENESS_CHECK_MS = 90;
/** A check that comes this much too late says that this process paused, which is no silence of the others. */
export const PAUSE_MS = 300;

/** In heartbeats: how soon after its last beat a logger may follow the leader's, and when it waits for that no longer. */
export const PULSE_EARLY = 0.8;
export const PULSE_LATE = 1.2;

/** Every so often a beat asks for an echo, which measures the round trip and shows that the connection works. */
export const ECHO_EVERY_MS = 500;
/** A heartbeat connection whose echoes stay out for this long is dialled anew. */
export const ECHO_SILENCE_MS = 1_000;
/** An incoming heartbeat connection without a beat for this long is closed; a living sender dials again. */
export const BEAT_IDLE_MS = 15_000;

/** Loggers whose heartbeats are counted in shared memory; beats of more go from thread to thread one by one. */
export const HEARD_COUNTS_MAX = 256;
/** Round trips go to the main thread together, this often. */
export const ROUND_TRIPS_EVERY_MS = 1_000;

/** How long `close` waits for what was sent last to leave. */
export const FLUSH_TIMEOUT_MS = 250;
/** The same trouble with the same peer is logged once in this time. */
export const LOG_EVERY_MS = 10_000;
export const LOG_KEYS_MAX = 512;
