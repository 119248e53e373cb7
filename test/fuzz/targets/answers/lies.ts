// How answers are damaged, the same for loggers and for Consul.
import fc from 'fast-check';
import { byteDamage, jsonDamage } from '../../mutate.ts';
import type { Lie } from './liar.ts';

const headerValue = fc.constantFrom(
  ...[
    '',
    '0',
    '-1',
    '1',
    '5',
    '1e308',
    '99999999999999999999',
    'NaN',
    'null',
    '0x10',
    '1, 2',
    'text/html',
    'x'.repeat(9000),
  ],
  ...[
    'application/json',
    'application/problem+json',
    'chunked',
    'http://127.0.0.1:1/x',
    '//',
    'http://[',
    'gzip',
  ],
);

const lie: fc.Arbitrary<Lie> = fc.record({
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(100, 200, 204, 206, 304, 307, 400, 404, 409, 410, 429, 500, 503, 599, 999),
    },
  ),
  json: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(jsonDamage, { minLength: 1, maxLength: 2 }) },
  ),
  header: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.record({ at: fc.nat({ max: 9 }), value: headerValue }) },
  ),
  bytes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(byteDamage, { minLength: 1, maxLength: 2 }) },
  ),
  // Half an answer on a connection that stays open is silence, for which there are deadlines: closed mostly, to save time.
  end: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('close', 'close', 'reset') },
    { weight: 1, arbitrary: fc.constantFrom('keep', 'silence') },
  ),
});

export const lies = fc.array(lie, { minLength: 1, maxLength: 3 });
