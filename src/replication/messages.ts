// Messages of the core as frames and back. One table says what each field must be; what does not fit never reaches the core.
// Buffers leave the JSON header: it holds their lengths, the payload their bytes, in order.
import { bytesCrc } from '../log/format.ts';
import { type EpochPair, type Message, TAIL_PAIRS_MAX } from '../replica/types.ts';
import { MalformedFrame } from './frames.ts';
import { BATCHES_MAX, MEMBERS_MAX, PAIRS_MAX } from './limits.ts';
import {
  badField,
  type FieldsOf,
  flag,
  listOf,
  nullable,
  object,
  oneOf,
  optional,
  positive,
  text,
  whole,
} from './shapes.ts';

const position = object({ epoch: whole, end: whole });
const claim = object({ epoch: positive, incarnation: text });
const leader = object({ id: text, incarnation: text, api: text, peer: text });
const member = object({ id: text, uid: text, peer: text });
const version = object({ epoch: whole, revision: whole });
const memberSet = object({ members: listOf(member, MEMBERS_MAX), version });
const shared = optional(object({ end: positive, crc: whole }));
const pair = object({ epoch: positive, start: whole });
const stream = { epoch: positive, stream: whole };

/** Pairs rise in epoch and never fall in start. */
const pairs = (most: number) => {
  const list = listOf(pair, most);
  return (value: unknown): boolean =>
    list(value) &&
    (value as EpochPair[]).every((next, i, all) => {
      const last = all[i - 1];
      return last === undefined || (next.epoch > last.epoch && next.start >= last.start);
    });
};

type Shapes = {
  readonly [T in Message['type']]: FieldsOf<Omit<Extract<Message, { type: T }>, 'type'>>;
};

const SHAPES: Shapes = {
  'pre-vote': { attempt: whole, lostEpoch: whole, position, transfer: nullable(claim) },
  'pre-vote-answer': {
    attempt: whole,
    yes: flag,
    reason: oneOf('yes', 'leader-alive', 'leading', 'position', 'mismatch'),
    knownEpoch: whole,
    position,
    empty: flag,
    lastSeen: listOf(text, MEMBERS_MAX),
    membersVersion: optional(version),
    uncertain: optional(flag),
  },
  promise: { claim, leader, electorate: optional(memberSet) },
  promised: { claim, position, newerMembers: optional(version), uncertain: optional(flag) },
  refused: { claim, promisedEpoch: whole },
  follow: {
    claim,
    stream: whole,
    start: whole,
    from: nullable(object({ epoch: positive, start: whole, end: whole })),
  },
  tail: {
    claim,
    stream: whole,
    purpose: oneOf('follow', 'adopt'),
    first: whole,
    end: whole,
    commit: whole,
    pairs: pairs(TAIL_PAIRS_MAX),
    complete: flag,
  },
  older: { ...stream, below: whole },
  cut: { ...stream, end: whole, sharedEpoch: whole },
  restart: { ...stream, first: whole, pairs: pairs(PAIRS_MAX), producers: whole },
  diverged: { ...stream, at: positive },
  ready: { ...stream, position },
  batches: {
    ...stream,
    from: whole,
    end: whole,
    commit: whole,
    first: whole,
    batches: listOf(positive, BATCHES_MAX),
  },
  pair: { ...stream, pair },
  commit: { ...stream, commit: whole, first: whole, members: optional(memberSet), shared },
  'members-stored': { ...stream, version },
  ack: { ...stream, position },
  'stream-end': { ...stream, reason: oneOf('disk-full', 'gap', 'overrun') },
  'take-over': { claim },
  taken: { claim, successor: claim, leader },
  drained: {
    claim,
    seen: optional(object({ successor: claim, revision: whole, index: positive })),
  },
  confirm: { claim, round: whole },
  confirmed: { claim, round: whole },
};

/** `payloadCrc` where it is known without a pass over the payload. */
export interface Encoded {
  readonly header: object;
  readonly payload: readonly Buffer[];
  readonly payloadCrc?: number;
}

export function encodeMessage(message: Message): Encoded {
  switch (message.type) {
    case 'batches':
      return {
        header: { ...message, batches: message.batches.map((batch) => batch.length) },
        payload: message.batches,
        payloadCrc: bytesCrc(message.batches),
      };
    case 'restart':
      return { header: { ...message, producers: message.producers.length }, payload: [message.producers] };
    default:
      return { header: message, payload: [] };
  }
}

/** Throws MalformedFrame. Buffers of the message are views of `payload`. */
export function decodeMessage(header: unknown, payload: Buffer): Message {
  const type =
    typeof header === 'object' && header !== null ? (header as { type?: unknown }).type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(SHAPES, type))
    throw new MalformedFrame('a message of unknown type');
  const bad = badField(header, SHAPES[type as Message['type']]);
  if (bad !== null) throw new MalformedFrame(`a ${type} message whose field ${bad} is missing or wrong`);
  const raw = header as Record<string, unknown>;
  if (type === 'batches') return { ...raw, batches: split(raw, payload) } as unknown as Message;
  const expected = type === 'restart' ? (raw.producers as number) : 0;
  if (payload.length !== expected)
    throw new MalformedFrame(`a ${type} message with ${payload.length} bytes of payload, not ${expected}`);
  return (type === 'restart' ? { ...raw, producers: payload } : raw) as unknown as Message;
}

function split(raw: Record<string, unknown>, payload: Buffer): Buffer[] {
  if ((raw.from as number) > (raw.end as number))
    throw new MalformedFrame('batches that end before they begin');
  let at = 0;
  const batches = (raw.batches as number[]).map((bytes) => {
    at += bytes;
    return payload.subarray(at - bytes, at);
  });
  if (at !== payload.length)
    throw new MalformedFrame(`batches of ${at} bytes in a payload of ${payload.length}`);
  return batches;
}
