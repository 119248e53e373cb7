// The operations. Each stands for one route; a test compares the two, and the answers of a running API with these schemas.
import type { ErrorCode } from '../../errors.ts';
import { BOUNDS } from '../bounds.ts';
import { BATCH_TYPE, JSON_TYPE, NDJSON, RAW_TYPES } from '../media.ts';
import { json, parameter, problems, redirect, rows, text } from './answers.ts';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });

const PRODUCER_HEADERS = [
  parameter('header', 'Producer-Id', 'Makes the append idempotent, with the next two: all or none', {
    type: 'string',
    pattern: '^[1-9][0-9]{0,18}$',
  }),
  parameter('header', 'Producer-Epoch', 'A new one fences those before it', whole(0, 32_767)),
  parameter(
    'header',
    'Producer-Seq',
    'Sequence of the first record; 0 in a new epoch, then without gaps',
    whole(0, 2 ** 31 - 1),
  ),
  parameter(
    'header',
    'Producer-After',
    'With the first batch of an epoch: epoch and last sequence that the log must hold last of this producer, or none',
    { type: 'string', pattern: '^([0-9]{1,5}/[0-9]{1,10}|none)$' },
  ),
];

const append = {
  operationId: 'append',
  summary: 'Append records',
  description:
    'Answered once the records are committed. A repeat with the same producer header fields is stored once and answered with the offset of the first.',
  tags: ['log'],
  parameters: [
    ...PRODUCER_HEADERS,
    parameter('header', 'Content-Encoding', 'Decoded before the records are stored', {
      enum: ['gzip', 'zstd', 'identity'],
      default: 'identity',
    }),
  ],
  requestBody: {
    required: true,
    content: {
      ...Object.fromEntries(
        RAW_TYPES.map((type) => [type, { schema: { description: 'One record, byte by byte' } }]),
      ),
      [NDJSON]: { schema: ref('Element'), example: '"one"\n{"key":"k","value":"two"}\n' },
      [JSON_TYPE]: { schema: { type: 'array', minItems: 1, items: ref('Element') }, example: ['one', 'two'] },
      [BATCH_TYPE]: {
        schema: {
          description: 'One record batch in the format of the log; it holds its producer',
          format: 'binary',
        },
      },
    },
  },
  responses: {
    '200': json('Committed', 'AppendResult'),
    ...redirect,
    ...problems(
      'invalid-record',
      'invalid-batch',
      'invalid-producer',
      'sequence-gap',
      'sequence-conflict',
      'producer-fenced',
      'producer-moved',
      'body-too-large',
      'record-too-large',
      'unsupported-media-type',
      'too-many-requests',
      'overloaded',
      'no-leader',
      'not-leader',
      'outcome-unknown',
      'disk-full',
    ),
  },
};

const read = {
  operationId: 'read',
  summary: 'Read or follow committed records',
  description: 'From any logger. `Accept: text/event-stream` follows the log live.',
  tags: ['log'],
  parameters: [
    parameter('query', 'offset', 'Where to begin: an offset, `earliest` or `latest`', {
      oneOf: [{ type: 'integer', minimum: 0 }, { enum: ['earliest', 'latest'] }],
      default: 'earliest',
    }),
    parameter('query', 'limit', 'Rows at most', {
      ...whole(1, BOUNDS.maxReadRecords),
      default: BOUNDS.defaultReadRecords,
    }),
    parameter('query', 'wait', `Wait for a first row, as 250ms or 5s; ${BOUNDS.maxWaitMs / 1000}s at most`, {
      type: 'string',
      pattern: '^[0-9]+(ms|s)?$',
      default: '0',
    }),
    parameter('query', 'consistency', 'linearizable: at the leader, after a majority has confirmed it', {
      enum: ['committed', 'linearizable'],
      default: 'committed',
    }),
    parameter('header', 'Last-Event-ID', 'Event streams go on after this offset', { type: 'integer' }),
  ],
  responses: {
    '200': rows,
    ...redirect,
    ...problems(
      'invalid-offset',
      'offset-gone',
      'log-damaged',
      'offset-out-of-range',
      'too-many-requests',
      'no-leader',
      'not-leader',
      'not-ready',
    ),
  },
};

const offsets = {
  operationId: 'offsets',
  summary: 'The offset of a moment',
  description:
    'That of the first committed record at or after it; where there is none, what is committed next.',
  tags: ['log'],
  parameters: [
    {
      ...parameter('query', 'timestamp', 'Milliseconds since 1970', whole(0, Number.MAX_SAFE_INTEGER)),
      required: true,
    },
  ],
  responses: {
    '200': json('Where to read on from', 'OffsetAt'),
    ...problems('not-ready', 'too-many-requests'),
  },
};

const producer = {
  operationId: 'producer',
  summary: 'What a restarted producer asks',
  description: 'Its epoch and last sequence, once that record is committed and leadership confirmed.',
  tags: ['log'],
  parameters: [parameter('path', 'id', 'The producer id', { type: 'string', pattern: '^[1-9][0-9]{0,18}$' })],
  responses: {
    '200': json('The last record of this producer', 'Producer'),
    ...redirect,
    ...problems(
      'invalid-producer',
      'unknown-producer',
      'no-leader',
      'not-leader',
      'not-ready',
      'too-many-requests',
    ),
  },
};

const transfer = {
  operationId: 'transfer',
  summary: 'Hand leadership over',
  description: 'To the logger named in `to`, or to the most caught-up one.',
  tags: ['cluster'],
  requestBody: { required: false, content: { [JSON_TYPE]: { schema: ref('Transfer') } } },
  responses: {
    '202': json('The handover has begun', 'TransferBegun'),
    ...redirect,
    ...problems(
      'transfer-impossible',
      'body-too-large',
      'unsupported-media-type',
      'overloaded',
      'no-leader',
      'not-leader',
    ),
  },
};

const members = {
  operationId: 'members',
  summary: 'Who is a member, and who shall be',
  tags: ['cluster'],
  responses: {
    '200': json('The members in the register, as the leader knows them', 'Membership'),
    ...redirect,
    ...problems('no-leader', 'not-leader'),
  },
};

const setMembers = {
  operationId: 'setMembers',
  summary: 'Say who shall be a member',
  description:
    'The leader then changes one member at a time. Not on Kubernetes, where the StatefulSet decides.',
  tags: ['cluster'],
  requestBody: { required: true, content: { [JSON_TYPE]: { schema: ref('WantedMembers') } } },
  responses: {
    '202': json('Noted, and begun', 'Membership'),
    ...redirect,
    ...problems(
      'members-managed',
      'body-too-large',
      'unsupported-media-type',
      'overloaded',
      'no-leader',
      'not-leader',
    ),
  },
};

const rebuildRegister = {
  operationId: 'rebuildRegister',
  summary: 'Let this logger rebuild a lost register',
  description: 'From the members that answer it now. What only the missing ones held is lost.',
  tags: ['cluster'],
  responses: {
    '202': json('It will try', 'Rebuild'),
    ...problems('leader-present', 'body-too-large'),
  },
};

const status = {
  operationId: 'status',
  summary: 'Role, leader, offsets, members, Consul, label',
  tags: ['cluster'],
  parameters: [
    parameter('query', 'wait', `Wait for a leader, as 250ms or 5s; ${BOUNDS.maxWaitMs / 1000}s at most`, {
      type: 'string',
      pattern: '^[0-9]+(ms|s)?$',
      default: '0',
    }),
    parameter('query', 'epoch-above', 'With `wait`: for a leader of a higher epoch than this one', {
      ...whole(0, Number.MAX_SAFE_INTEGER),
    }),
  ],
  responses: { '200': json('The view of this logger', 'Status'), ...problems('too-many-requests') },
};

const stats = {
  operationId: 'stats',
  summary: 'Throughput, latency and lag of the last ten minutes',
  tags: ['cluster'],
  parameters: [
    parameter('query', 'since', 'Samples later than this time, in milliseconds since 1970', {
      ...whole(0, Number.MAX_SAFE_INTEGER),
      default: 0,
    }),
  ],
  responses: { '200': json('Samples of this logger', 'Stats'), ...problems() },
};

const get = (
  operationId: string,
  summary: string,
  tag: string,
  answer: object,
  ...codes: readonly ErrorCode[]
) => ({ get: { operationId, summary, tags: [tag], responses: { '200': answer, ...problems(...codes) } } });

export const PATHS = {
  '/api/v1/log': { post: append, get: read },
  '/api/v1/offsets': { get: offsets },
  '/api/v1/producers/{id}': { get: producer },
  '/api/v1/leader/transfer': { post: transfer },
  '/api/v1/members': { get: members, put: setMembers },
  '/api/v1/register/rebuild': { post: rebuildRegister },
  '/api/v1/status': { get: status },
  '/api/v1/stats': { get: stats },
  '/api/v1/history': get(
    'history',
    'The last epochs and their leaders',
    'cluster',
    json('As far as this logger knows', 'History'),
  ),
  '/livez': get('livez', 'The event loop turns', 'platform', json('Alive', 'Alive'), 'not-ready'),
  '/readyz': get('readyz', 'Serves reads and takes part', 'platform', json('Ready', 'Probe'), 'not-ready'),
  '/metrics': get('metrics', 'Metrics for Prometheus', 'platform', text('Metrics', 'text/plain')),
  '/': get('home', 'A page for people', 'platform', text('The status page', 'text/html')),
};
