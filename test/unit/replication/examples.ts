// One message of every kind; the compiler finds a kind that is missing.
import type { Message } from '../../../src/replica/index.ts';

const claim = { epoch: 7, incarnation: '0b9c1c52-7d4e-4b7c-9a5e-0c2a55d0a001' };
const position = { epoch: 6, end: 41 };
const stream = { epoch: 7, stream: 3 };
const version = { epoch: 6, revision: 12 };
const memberSet = { members: [{ id: 'a', uid: 'uid-a', peer: 'a.peers:9090' }], version };
const shared = { end: 40, crc: 0xdeadbeef };
const pairs = [
  { epoch: 2, start: 0 },
  { epoch: 6, start: 40 },
  { epoch: 7, start: 40 },
];

const BY_TYPE: { readonly [T in Message['type']]: Extract<Message, { type: T }> } = {
  'pre-vote': { type: 'pre-vote', attempt: 1, lostEpoch: 0, position, transfer: null },
  'pre-vote-answer': {
    type: 'pre-vote-answer',
    attempt: 1,
    yes: false,
    reason: 'leader-alive',
    knownEpoch: 7,
    position,
    empty: false,
    lastSeen: ['uid-a', 'uid-b'],
    membersVersion: version,
  },
  promise: {
    type: 'promise',
    claim,
    leader: { id: 'a', incarnation: claim.incarnation, api: 'http://a:8080', peer: 'a.peers:9090' },
    electorate: memberSet,
  },
  promised: { type: 'promised', claim, position, newerMembers: version },
  refused: { type: 'refused', claim, promisedEpoch: Number.MAX_SAFE_INTEGER },
  follow: { type: 'follow', claim, stream: 3, start: 40, from: { epoch: 2, start: 30, end: 40 } },
  tail: {
    type: 'tail',
    claim,
    stream: 3,
    purpose: 'adopt',
    first: 0,
    end: 41,
    commit: 40,
    pairs,
    complete: true,
  },
  older: { type: 'older', ...stream, below: 6 },
  cut: { type: 'cut', ...stream, end: 40, sharedEpoch: 6 },
  restart: { type: 'restart', ...stream, first: 12, pairs, producers: Buffer.from('a table of producers') },
  diverged: { type: 'diverged', ...stream, at: 6 },
  ready: { type: 'ready', ...stream, position },
  batches: {
    type: 'batches',
    ...stream,
    from: 40,
    end: 43,
    commit: 40,
    first: 0,
    batches: [Buffer.from('first batch'), Buffer.from('b'), Buffer.alloc(300, 0xff)],
  },
  pair: { type: 'pair', ...stream, pair: { epoch: 7, start: 43 } },
  commit: { type: 'commit', ...stream, commit: 43, first: 0, members: memberSet, shared },
  'members-stored': { type: 'members-stored', ...stream, version },
  ack: { type: 'ack', ...stream, position },
  'stream-end': { type: 'stream-end', ...stream, reason: 'disk-full' },
  'take-over': { type: 'take-over', claim },
  taken: {
    type: 'taken',
    claim,
    successor: { epoch: 8, incarnation: 'next' },
    leader: { id: 'logger-2', incarnation: 'next', api: 'http://127.0.0.1:8082', peer: '127.0.0.1:9092' },
  },
  drained: {
    type: 'drained',
    claim,
    seen: { successor: { epoch: 8, incarnation: 'next' }, revision: 3, index: 4711 },
  },
  confirm: { type: 'confirm', claim, round: 9 },
  confirmed: { type: 'confirmed', claim, round: 9 },
};

export const EXAMPLES: readonly Message[] = Object.values(BY_TYPE);
