// What is said on heartbeat connections, and between a heartbeat thread and the main thread that started it.
import type { Beat } from '../replica/types.ts';
import type { TlsMaterial } from './dial.ts';
import { encodeFrame, type Frame, MalformedFrame } from './frames.ts';
import type { Place } from './heard-counts.ts';
import type { OwnHello } from './hello.ts';
import {
  badField,
  type FieldsOf,
  finite,
  flag,
  nullable,
  object,
  oneOf,
  optional,
  positive,
  text,
  time,
  whole,
} from './shapes.ts';

/** From the logger that dialled. `echoMs` comes back at once in an `Echo`; null asks for none. */
export interface BeatFrame {
  readonly type: 'beat';
  readonly beat: Beat;
  readonly echoMs: number | null;
}

export interface Echo {
  readonly type: 'echo';
  readonly echoMs: number;
  /** The clock of the logger that echoes, in milliseconds since 1970; older ones do not tell theirs. */
  readonly wallMs?: number;
}

const BEAT: FieldsOf<Omit<BeatFrame, 'type'>> = {
  beat: object({
    promisedEpoch: whole,
    claim: nullable(object({ epoch: positive, incarnation: text })),
    established: flag,
  } satisfies FieldsOf<Beat>),
  echoMs: nullable(finite),
};
const ECHO: FieldsOf<Omit<Echo, 'type'>> = { echoMs: finite, wallMs: optional(time) };

const decode = ({ header, payload }: Frame, type: string, fields: FieldsOf<object>): object => {
  const bad = badField(header, { type: oneOf(type), ...fields });
  if (bad !== null) throw new MalformedFrame(`a frame, not a ${type}: its field ${bad} is missing or wrong`);
  if (payload.length > 0) throw new MalformedFrame(`a ${type} with payload`);
  return header as object;
};
/**
 * Only the fields that are known go on: a beat is compared with the last one and passed between threads, and what a peer
 * adds may be nested deeper than either can follow.
 */
export function decodeBeat(frame: Frame): BeatFrame {
  const { beat, echoMs } = decode(frame, 'beat', BEAT) as BeatFrame;
  const { promisedEpoch, claim, established } = beat;
  const known = claim && { epoch: claim.epoch, incarnation: claim.incarnation };
  return { type: 'beat', beat: { promisedEpoch, claim: known, established }, echoMs };
}

/** The frame of a beat that asks for no echo. */
export const encodeBeat = (beat: Beat): Buffer =>
  Buffer.concat(encodeFrame({ type: 'beat', beat, echoMs: null } satisfies BeatFrame));

export const sameBeat = (a: Beat, b: Beat): boolean =>
  a.promisedEpoch === b.promisedEpoch &&
  a.established === b.established &&
  a.claim?.epoch === b.claim?.epoch &&
  a.claim?.incarnation === b.claim?.incarnation;

export const decodeEcho = (frame: Frame): Echo => decode(frame, 'echo', ECHO) as Echo;

/** A logger to send heartbeats to: its heartbeat listener is `beatPort` on the host of `peer`. */
export interface BeatTarget {
  readonly id: string;
  readonly uid: string;
  readonly peer: string;
  readonly beatPort: number;
}

/** What a logger says now. */
export interface Heard {
  readonly uid: string;
  readonly beat: Beat;
  /** Where it is counted that it says the same again; null: each time it is told anew. */
  readonly place: Place | null;
}

export interface RoundTrip {
  readonly id: string;
  readonly uid: string;
  readonly ms: number;
  /** The other's clock as its echo told it; null: it did not. */
  readonly wallMs: number | null;
  /** When the echo came, by `sharedMs`. */
  readonly atMs: number;
}

/** A monotonic clock that is the same in all threads of the process, which `performance.now()` is not. */
export const sharedMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What a heartbeat thread starts with. */
export interface BeatThreadData {
  readonly hello: Omit<OwnHello, 'beatPort'>;
  readonly listen: { readonly host: string; readonly port: number };
  readonly heartbeatMs: number;
  readonly suspectMs: number;
  readonly tls: TlsMaterial | null;
  /** What the main thread counts up as long as its event loop turns: turn-watch.ts. */
  readonly turns: SharedArrayBuffer;
  /** Of `heardCounts`. */
  readonly heard: SharedArrayBuffer;
}

export type ToBeatThread =
  | { readonly type: 'beat'; readonly beat: Beat }
  | { readonly type: 'targets'; readonly targets: readonly BeatTarget[] }
  | { readonly type: 'tls'; readonly tls: TlsMaterial };

export type FromBeatThread =
  | { readonly type: 'listening'; readonly port: number }
  /** The listener could not listen. Plain text and code, since an error does not keep its code between threads. */
  | { readonly type: 'failed'; readonly text: string; readonly code: string | undefined }
  | { readonly type: 'beats'; readonly beats: readonly Heard[] }
  | { readonly type: 'missed'; readonly id: string; readonly count: number }
  /** A connection to the thread's listener was refused because its TLS handshake failed. */
  | { readonly type: 'tls-failed' }
  | { readonly type: 'round-trips'; readonly trips: readonly RoundTrip[] }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly text: string;
    };
