// Requests as data: half of each good, so that the odd half is met everywhere and not just at the door.
import { gzipSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { encodeBatch } from '../../../../src/log/index.ts';
import { byteDamage, damageBytes, damageJson, jsonDamage } from '../../mutate.ts';
import { BODIES, FIELDS, LOG, METHODS, NAMES, NUMBERS, PATHS, TRANSFER, TYPES, VALUES } from './words.ts';

export interface Request {
  readonly version: '1.0' | '1.1';
  readonly hasHost: boolean;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly framing: 'length' | 'chunked' | 'none' | 'too-long' | 'too-short' | 'both' | 'bad-chunk';
}

const parameter = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('offset=0', 'offset=latest', 'limit=1', 'wait=20ms', 'consistency=linearizable'),
      fc.constant(''),
    ),
    fc.constantFrom(...NAMES),
    fc.constantFrom(...NUMBERS),
  )
  .map(([good, name, value]) => good || `${name}=${value}`);
const logTarget = fc
  .oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.array(parameter, { minLength: 1, maxLength: 2 }) },
  )
  .map((parameters) => (parameters.length === 0 ? LOG : `${LOG}?${parameters.join('&')}`));
const someTarget = fc.oneof(
  { weight: 4, arbitrary: logTarget },
  { weight: 2, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 30 }).map((text) => `/${text}`) },
);

const json = fc
  .array(jsonDamage, { maxLength: 2 })
  .map((damages) =>
    Buffer.from(
      JSON.stringify(damageJson([{ value: 'a', key: 'k' }, 'b', { base64: 'YQ==' }], damages)) ?? '',
    ),
  );
const lines = fc
  .array(jsonDamage, { maxLength: 2 })
  .map((damages) =>
    Buffer.from(`"a"\n\n${JSON.stringify(damageJson({ value: 'b', keyBase64: 'aw==' }, damages))}\n`),
  );
/** A batch as the client makes it, damaged perhaps, its CRC made right again perhaps. */
const batch = fc
  .record({ damages: fc.array(byteDamage, { maxLength: 2 }), mended: fc.boolean(), stamped: fc.boolean() })
  .map(({ damages, mended, stamped }) => {
    const records = [{ value: Buffer.from('one') }, { key: Buffer.from('k'), value: Buffer.from('two') }];
    const producer = stamped ? { id: 77n, epoch: 0, sequence: 0 } : null;
    const bytes = damageBytes(encodeBatch(records, { timestampMs: 0, producer }), damages);
    if (mended && bytes.length > 21) bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
    return bytes;
  });
const raw = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.constantFrom(...BODIES).map((text) => Buffer.from(text)),
  fc.constant('gzip').map((text) => gzipSync(text)),
);

const typeAndBody = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('text/plain', 'application/octet-stream'), raw) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('application/json'), json) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('application/x-ndjson'), lines) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('application/vnd.distributed-logger.batch'), batch) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...TYPES), fc.oneof(raw, json, batch)) },
);
const header = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom(...VALUES)) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('', ' ', 'a b', 'é', ':', 'x'.repeat(9000)),
      fc.constantFrom(...VALUES),
    ),
  },
);
const producerHeaders = fc.oneof(
  { weight: 3, arbitrary: fc.constant<[string, string][]>([]) },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 3 }).map((seq): [string, string][] => [
      ['Producer-Id', '7'],
      ['Producer-Epoch', '0'],
      ['Producer-Seq', String(seq)],
    ]),
  },
);

/** HTTP/1.0 is taken, and a request of 1.1 without a Host refused. */
const odd = {
  version: fc.constantFrom<Request['version']>(...Array<'1.1'>(9).fill('1.1'), '1.0'),
  hasHost: fc.constantFrom(...Array<boolean>(30).fill(true), false),
};

const append = fc
  .record({
    ...odd,
    typed: typeAndBody,
    producer: producerHeaders,
    headers: fc.oneof(
      { weight: 3, arbitrary: fc.constant<[string, string][]>([]) },
      { weight: 1, arbitrary: fc.array(header, { maxLength: 2 }) },
    ),
    framing: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<Request['framing']>('length', 'length', 'chunked') },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Request['framing']>('none', 'too-long', 'too-short', 'both', 'bad-chunk'),
      },
    ),
  })
  .map(
    ({ typed: [type, body], producer, headers, ...rest }): Request => ({
      ...rest,
      method: 'POST',
      target: LOG,
      headers: [['Content-Type', type], ...producer, ...headers],
      body,
    }),
  );

const other = fc
  .record({
    method: fc.constantFrom(...METHODS),
    target: someTarget,
    headers: fc.array(header, { maxLength: 2 }),
    events: fc.constantFrom(false, false, false, true),
    body: fc.constantFrom('', '', '', 'a'),
    ...odd,
  })
  .map(
    ({ events, headers, body, ...rest }): Request => ({
      ...rest,
      headers: events ? [['Accept', 'text/event-stream'], ...headers] : headers,
      body: Buffer.from(body),
      framing: body === '' ? 'none' : 'length',
    }),
  );
/** Refused whatever it says: there is nobody else, and leadership stays where it is. */
const transfer = fc
  .record({
    type: fc.constantFrom('application/json', 'application/json', ...TYPES),
    body: fc.constantFrom(...BODIES),
    ...odd,
  })
  .map(
    ({ type, body, ...rest }): Request => ({
      ...rest,
      method: 'POST',
      target: TRANSFER,
      headers: [['Content-Type', type]],
      body: Buffer.from(body),
      framing: 'length',
    }),
  );

export const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 15, arbitrary: append },
  { weight: 10, arbitrary: other },
  { weight: 1, arbitrary: transfer },
);

const framingOf = (framing: Request['framing'], { length }: Buffer): string[] => {
  const chunked = 'Transfer-Encoding: chunked';
  if (framing === 'none') return [];
  if (framing === 'chunked' || framing === 'bad-chunk') return [chunked];
  if (framing === 'both') return [chunked, `Content-Length: ${length}`];
  return [`Content-Length: ${length + (framing === 'too-long' ? 5 : framing === 'too-short' ? -1 : 0)}`];
};

export function bytesOf({ version, hasHost, method, target, headers, body, framing }: Request): Buffer {
  const head = [
    `${method} ${target} HTTP/${version}`,
    ...(hasHost ? ['Host: x'] : []),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...framingOf(framing, body),
    '',
    '',
  ];
  const isChunked = framing === 'chunked' || framing === 'both' || framing === 'bad-chunk';
  const size = framing === 'bad-chunk' ? `${body.length.toString(16)}g;x=\0` : body.length.toString(16);
  const content = !isChunked
    ? [body]
    : [
        ...(body.length > 0 ? [Buffer.from(`${size}\r\n`), body, Buffer.from('\r\n')] : []),
        Buffer.from('0\r\n\r\n'),
      ];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), ...content]);
}
