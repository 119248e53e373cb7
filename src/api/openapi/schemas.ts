// The shapes of bodies, as JSON Schema (OpenAPI 3.1 takes it unchanged).
import { ERRORS } from '../../errors.ts';

const offset = (description: string) => ({ type: 'integer', minimum: 0, description });
const nullable = (type: string) => ({ type: [type, 'null'] });
const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const role = { enum: ['leader', 'follower'] };
const base64 = { type: 'string', contentEncoding: 'base64' };

export const SCHEMAS = {
  AppendResult: object({
    offset: offset('Offset of the first record'),
    count: { type: 'integer', minimum: 1 },
    epoch: { type: 'integer', minimum: 1, description: 'Epoch under which the records were stored' },
  }),
  Element: {
    description: 'A record: its value as text, or an object; exactly one of `value` and `base64`',
    oneOf: [
      { type: 'string' },
      {
        ...object({ value: { type: 'string' }, base64, key: { type: 'string' }, keyBase64: base64 }, [
          'value',
          'base64',
          'key',
          'keyBase64',
        ]),
        oneOf: [{ required: ['value'] }, { required: ['base64'] }],
        not: { required: ['key', 'keyBase64'] },
      },
    ],
  },
  Row: {
    ...object(
      {
        offset: offset('Number of the record'),
        timestamp: {
          type: 'integer',
          description: 'Milliseconds since 1970, set by the leader; never goes back',
        },
        epoch: { type: 'integer', minimum: 0, description: 'Epoch in which the record was appended' },
        key: { type: 'string', description: 'Left out when the record has no key' },
        keyBase64: { ...base64, description: 'In place of `key` when its bytes are not UTF-8' },
        value: { type: 'string' },
        base64: { ...base64, description: 'In place of `value` when its bytes are not UTF-8' },
      },
      ['key', 'keyBase64', 'value', 'base64'],
    ),
    oneOf: [{ required: ['value'] }, { required: ['base64'] }],
  },
  Leader: object({
    id: { type: 'string' },
    api: { type: 'string', description: 'Base URL of its HTTP API' },
  }),
  Member: object({
    id: { type: 'string' },
    uid: { type: 'string', description: 'Made with its data directory' },
    peer: { type: 'string', description: 'host:port of its replication listener' },
    api: { ...nullable('string'), description: 'Base URL of its HTTP API, once this logger has heard it' },
    role,
    connected: { type: 'boolean' },
    end: { ...nullable('integer'), description: 'Its end as far as this logger knows' },
    lag: { ...nullable('integer'), description: 'Records behind the end of the leader' },
  }),
  Status: object({
    id: { type: 'string' },
    cluster: { type: 'string' },
    version: { type: 'string' },
    role,
    epoch: { type: 'integer', minimum: 0, description: 'Highest epoch this logger has heard of' },
    leader: { anyOf: [ref('Leader'), { type: 'null' }] },
    offsets: object({
      first: offset('Lowest offset kept'),
      commit: offset('Records below are acknowledged and served'),
      end: offset('Offset after the last record'),
    }),
    damage: {
      ...nullable('string'),
      description: "What is damaged in this logger's log; null when nothing is known of",
    },
    members: { type: 'array', items: ref('Member') },
    consul: object({
      reachable: { type: 'boolean' },
      address: nullable('string'),
      session: nullable('string'),
      error: nullable('string'),
    }),
    label: object({
      enabled: { type: 'boolean' },
      wanted: role,
      observed: nullable('string'),
      inSync: { type: 'boolean' },
      error: nullable('string'),
    }),
  }),
  StatsSample: object({
    time: { type: 'integer', description: 'Milliseconds since 1970, at the end of the interval' },
    role,
    epoch: { type: 'integer', minimum: 0 },
    commit: offset('Records below were committed'),
    recordsPerSecond: { type: 'number', minimum: 0, description: 'Records committed' },
    bytesPerSecond: { ...nullable('number'), description: 'Of record batches; null when it did not lead' },
    append: { anyOf: [ref('Quantiles'), { type: 'null' }], description: 'From a request until its answer' },
    fsync: { anyOf: [ref('Quantiles'), { type: 'null' }], description: 'fdatasync of the log' },
    lag: {
      type: 'object',
      additionalProperties: nullable('integer'),
      description: 'Records behind, by follower; empty when it did not lead',
    },
  }),
  Quantiles: object({
    count: { type: 'integer', minimum: 1 },
    p50Ms: { type: 'number', description: 'To within a twelfth, as is p99Ms' },
    p99Ms: { type: 'number' },
    maxMs: { type: 'number' },
  }),
  Stats: object({
    intervalMs: { type: 'integer', minimum: 1 },
    maxSamples: { type: 'integer', minimum: 1, description: 'Older samples are gone' },
    samples: { type: 'array', items: ref('StatsSample'), description: 'Oldest first' },
  }),
  History: object({
    epochs: {
      type: 'array',
      description: 'The last 100, latest first',
      items: object({
        epoch: { type: 'integer', minimum: 1 },
        leader: { ...nullable('string'), description: 'Null when this logger did not see who led' },
        start: { ...nullable('integer'), description: 'Offset at which it began, once the log holds it' },
        time: { ...nullable('integer'), description: 'Milliseconds since 1970' },
        seen: {
          type: 'boolean',
          description: 'The time is when this logger learned of the leader; else it is of the first record',
        },
      }),
    },
  }),
  OffsetAt: object({ offset: offset('Of that record') }),
  Producer: object({
    id: { type: 'string', pattern: '^[1-9][0-9]{0,18}$', description: 'A 63-bit number, as text' },
    epoch: { type: 'integer', minimum: 0, maximum: 32_767 },
    lastSequence: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 },
    lastOffset: offset('Offset of the record with `lastSequence`'),
  }),
  Transfer: object({ to: { ...nullable('string'), description: 'Id of the logger to lead next' } }, ['to']),
  TransferBegun: object({
    epoch: { type: 'integer', description: 'The epoch to come' },
    to: { type: 'string', description: 'The logger that is to lead in it' },
  }),
  WantedMembers: object({
    ids: {
      description: 'All members there should be; null takes the wish back',
      anyOf: [{ type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string' } }, { type: 'null' }],
    },
  }),
  Membership: object({
    wanted: {
      description: 'As asked for; null for nothing',
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    },
    members: { type: 'array', items: ref('Member') },
  }),
  Rebuild: object({ id: { type: 'string', description: 'The logger that will try' } }),
  Alive: object({
    ok: { const: true },
    reason: { type: 'string' },
    id: { type: 'string' },
    cluster: { type: 'string' },
  }),
  Probe: object({ ok: { const: true }, reason: { type: 'string' } }),
  Redirect: object({ leader: ref('Leader') }),
  Problem: {
    type: 'object',
    description: 'RFC 9457, with a stable code',
    properties: {
      type: { type: 'string', description: 'The code as a URN' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { enum: Object.keys(ERRORS) },
      detail: { type: 'string' },
      outcome: {
        enum: ['refused', 'unknown', 'none'],
        description: 'Of a write: certainly not stored, unknown, or none was asked for',
      },
      retryable: { type: 'boolean' },
      retryAfterMs: { type: 'integer', description: 'When to try again, finer than Retry-After' },
    },
    required: ['type', 'title', 'status', 'code', 'detail', 'outcome', 'retryable'],
  },
};
