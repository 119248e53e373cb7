// What is said on heartbeat connections, and between a heartbeat thread and the main thread that started it.
import type { Beat } from '../replica/types.ts';
import type { TlsMaterial } from './dial.ts';
import { type Frame, MalformedFrame } from './frames.ts';
import type { OwnHello } from './hello.ts';
import {
  badField,
  type FieldsOf,
  finite,
  flag,
  nullable,
  object,
  oneOf,
  positive,
  text,
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
}

const BEAT: FieldsOf<Omit<BeatFrame, 'type'>> = {
  beat: object({
    promisedEpoch: whole,
    claim: nullable(object({ epoch: positive, incarnation: text })),
    established: flag,
  } satisfies FieldsOf<Beat>),
  echoMs: nullable(finite),
};
const ECHO: FieldsOf<Omit<Echo, 'type'>> = { echoMs: finite };

const decode = ({ header, payload }: Frame, type: string, fields: FieldsOf<object>): object => {
  const bad = badField(header, { type: oneOf(type), ...fields });
  if (bad !== null) throw new MalformedFrame(`a frame, not a ${type}: its field ${bad} is missing or wrong`);
  if (payload.length > 0) throw new MalformedFrame(`a ${type} with payload`);
  return header as object;
};
export const decodeBeat = (frame: Frame): BeatFrame => decode(frame, 'beat', BEAT) as BeatFrame;
export const decodeEcho = (frame: Frame): Echo => decode(frame, 'echo', ECHO) as Echo;

/** A logger to send heartbeats to: its heartbeat listener is `beatPort` on the host of `peer`. */
export interface BeatTarget {
  readonly id: string;
  readonly uid: string;
  readonly peer: string;
  readonly beatPort: number;
}

/** The latest beat of a logger. */
export interface Heard {
  readonly uid: string;
  readonly beat: Beat;
}

/** What a heartbeat thread starts with. */
export interface BeatThreadData {
  readonly hello: Omit<OwnHello, 'beatPort'>;
  readonly listen: { readonly host: string; readonly port: number };
  readonly heartbeatMs: number;
  readonly suspectMs: number;
  readonly tls: TlsMaterial | null;
  /** One Int32 that the main thread counts up as long as its event loop turns. */
  readonly turns: SharedArrayBuffer;
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
  | { readonly type: 'round-trip'; readonly id: string; readonly ms: number }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly text: string;
    };
