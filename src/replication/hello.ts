// The first words on every connection: who speaks, to whom, and about what. Both sides say hello, the dialling one first.
import type { Member } from '../replica/types.ts';
import { badField, type FieldsOf, hostPort, oneOf, optional, text, time, whole } from './shapes.ts';

export const MAGIC = 'distributed-logger';
/** Raised when an older logger could misunderstand a newer one. New optional fields do not need it. */
export const VERSION = 1;

export interface Hello {
  readonly type: 'hello';
  readonly magic: string;
  readonly version: number;
  readonly cluster: string;
  readonly id: string;
  readonly uid: string;
  /** host:port under which others reach the speaker's listener. */
  readonly peer: string;
  /** Differs between two runs of a process: connections of an earlier run are dead for certain. */
  readonly boot: string;
  readonly kind: 'data' | 'beat';
  /** Id of the logger that the speaker means to talk to; a stale name or address may have led to another. */
  readonly to: string;
  /** Port of the speaker's heartbeat listener, on the host of `peer`. */
  readonly beatPort: number;
  /** Base URL of the speaker's HTTP API, which its status passes on to clients; older loggers do not tell theirs. */
  readonly api?: string;
  /** The speaker's clock, in milliseconds since 1970; older loggers do not tell theirs. */
  readonly wallMs?: number;
}

export type OwnHello = Omit<Hello, 'kind' | 'to' | 'wallMs'>;

/** Why a connection is not wanted. Told to the other side, logged by both. */
export const REFUSALS = {
  version: 'it speaks another version of the protocol',
  cluster: 'it belongs to another cluster',
  kind: 'it wants another kind of connection than this listener takes',
  'wrong-address': 'it wants another logger than the one at this address',
  self: 'it is this logger itself',
  'id-in-use': 'another logger uses the same id',
  'uid-in-use': 'another logger has the same uid: its data directory was copied',
  duplicate: 'there is a connection already',
} as const;

export type Refusal = keyof typeof REFUSALS;

/** Loggers hear this of each other after their hellos, from the one that decides: the connection stands. */
export const WELCOME = { type: 'welcome' } as const;

const HELLO: FieldsOf<Omit<Hello, 'type'>> = {
  magic: oneOf(MAGIC),
  version: whole,
  cluster: text,
  id: text,
  uid: text,
  peer: hostPort,
  boot: text,
  kind: oneOf('data', 'beat'),
  to: text,
  beatPort: (value) => whole(value) && (value as number) > 0 && (value as number) < 65_536,
  api: optional(text),
  wallMs: optional(time),
};

/** The name of the first bad field of a hello; null when it is one. */
export const badHello = (value: unknown): string | null => badField(value, HELLO);

/** What is wrong with talking to `theirs` at all, whatever connections there are. */
export function refusalOf(own: OwnHello, theirs: Hello, kind: Hello['kind']): Refusal | null {
  if (theirs.version !== own.version) return 'version';
  if (theirs.cluster !== own.cluster) return 'cluster';
  if (theirs.kind !== kind) return 'kind';
  if (theirs.uid === own.uid) return theirs.id === own.id ? 'self' : 'uid-in-use';
  if (theirs.id === own.id) return 'id-in-use';
  if (theirs.to !== own.id) return 'wrong-address';
  return null;
}

export const memberOf = ({ id, uid, peer }: Hello): Member => ({ id, uid, peer });
