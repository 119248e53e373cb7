// Requests as data: half of each good, so that the odd half is met everywhere and not just at the door.
import { gzipSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { encodeBatch } from '../../../../src/log/index.ts';
import { byteDamage, damageBytes, damageJson, jsonDamage } from '../../mutate.ts';

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly framing: 'length' | 'chunked' | 'none' | 'too-long' | 'too-short' | 'both' | 'bad-chunk';
}

const LOG = '/api/v1/log';
const TARGETS = [
  ...[
    '/api/v1/status',
    '/api/v1/producers/7',
    '/api/v1/producers/',
    '/api/v1/stats',
    '/api/v1/history',
    '/api/v1/members',
  ],
  ...[
    '/api/v1/offsets?timestamp=0',
    '/livez',
    '/readyz',
    '/metrics',
    '/docs',
    '/docs/json',
    '/docs/static/../../package.json',
  ],
  ...[
    '/',
    '//',
    '*',
    'http://x/api/v1/log',
    'http://[/api/v1/log',
    '/%00',
    '/api/v1/log/',
    '/API/v1/log',
    '/%ff',
    '/..%2f..',
  ],
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '7',
  '1e9',
  '9007199254740993',
  '٣',
  '',
  ' ',
  '5s',
  '20ms',
  'NaN',
  'null',
  '%F0',
  '+1',
  '0x1',
];
const NAMES = ['offset', 'limit', 'wait', 'consistency', 'constructor', '__proto__', '', 'timestamp'];
const TYPES = [
  ...['text/plain', 'application/octet-stream', 'application/json', 'application/x-ndjson'],
  ...[
    'application/vnd.distributed-logger.batch',
    'text/xml',
    'APPLICATION/JSON; charset=utf-16',
    '/',
    ';',
    'multipart/form-data; boundary=x',
  ],
];
const FIELDS = [
  ...[
    'Producer-Id',
    'Producer-Epoch',
    'Producer-Seq',
    'Last-Event-ID',
    'Accept',
    'Content-Encoding',
    'Expect',
    'Connection',
  ],
  ...[
    'Transfer-Encoding',
    'Upgrade',
    'Range',
    'If-None-Match',
    'Accept-Version',
    'Trailer',
    'TE',
    'Content-Length',
    'Host',
    'X',
  ],
];
const VALUES = [
  ...NUMBERS,
  ...[
    'gzip',
    'chunked',
    '100-continue',
    'keep-alive',
    'close',
    'upgrade',
    'h2c',
    'bytes=0-',
    'bytes=5-1',
    '*',
    'identity',
  ],
  ...[
    'text/event-stream',
    'text/event-stream;q=0',
    'a\u0000b',
    'a\rb',
    '\u00ff\u00fe',
    'x'.repeat(300),
    'x'.repeat(20_000),
  ],
];

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
  { weight: 2, arbitrary: fc.constantFrom(...TARGETS) },
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
  fc
    .constantFrom('', '[]', 'null', '\0', '['.repeat(20_000), 'x'.repeat(17_000), 'x'.repeat(70_000))
    .map((text) => Buffer.from(text)),
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

const append = fc
  .record({
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
    ({ typed: [type, body], producer, headers, framing }): Request => ({
      method: 'POST',
      target: LOG,
      headers: [['Content-Type', type], ...producer, ...headers],
      body,
      framing,
    }),
  );

const other = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'GET',
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
      'OPTIONS',
      'PATCH',
      'TRACE',
      'SEARCH',
      'get',
      '',
    ),
    target: someTarget,
    headers: fc.array(header, { maxLength: 2 }),
  })
  // Leadership stays where it is: there is nobody else.
  .map((request): Request => ({ ...request, body: Buffer.alloc(0), framing: 'none' }));

export const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 3, arbitrary: append },
  { weight: 2, arbitrary: other },
);

const framingOf = (framing: Request['framing'], { length }: Buffer): string[] => {
  const chunked = 'Transfer-Encoding: chunked';
  if (framing === 'none') return [];
  if (framing === 'chunked' || framing === 'bad-chunk') return [chunked];
  if (framing === 'both') return [chunked, `Content-Length: ${length}`];
  return [`Content-Length: ${length + (framing === 'too-long' ? 5 : framing === 'too-short' ? -1 : 0)}`];
};

export function bytesOf({ method, target, headers, body, framing }: Request): Buffer {
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: x',
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
