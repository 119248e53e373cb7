// Command lines of dlog: any arguments give an invocation that a client can be made for, or a UsageError.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseArguments, UsageError } from '../../../src/cli/arguments.ts';
import { COMMANDS, OPTIONS } from '../../../src/cli/options.ts';
import { LogClient } from '../../../src/client/index.ts';
import { pure, target } from '../target.ts';

interface Case {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const VALUES = [
  ...['', '-', '--', 'x', '0', '-1', '5', '1e3', '99999999999999999999', 'latest', 'earliest', 'NaN', '٣'],
  ...[
    '5s',
    '500ms',
    '1d',
    '9999999999s',
    '2026-01-31T12:00:00Z',
    '2026-99-99T99:99:99Z',
    '0000-01-01T00:00:00Z',
  ],
  ...[
    'http://127.0.0.1:1',
    'https://[::1]/x?y#z',
    'http://',
    'HTTP://A',
    'http://a b',
    'http://%',
    'ftp://x',
    '//x',
  ],
  ...[
    'logger-0',
    'Logger 0',
    'a\nb',
    'ü',
    '/dev/null',
    '/nonexistent',
    '/',
    'bash',
    'tcsh',
    '\ud800',
    'é'.repeat(999),
  ],
] as const;

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);
const optionName = fc.constantFrom(...Object.keys(OPTIONS), 'unknown', '', '__proto__', 'no-json');
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...COMMANDS).map((command) => command.split(' ')) },
  { weight: 4, arbitrary: optionName.map((name) => [`--${name}`]) },
  { weight: 4, arbitrary: fc.tuple(optionName, value).map(([name, given]) => [`--${name}`, given]) },
  { weight: 2, arbitrary: fc.tuple(optionName, value).map(([name, given]) => [`--${name}=${given}`]) },
  { weight: 2, arbitrary: value.map((given) => [given]) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('-f', '-h', '-fh', '-x', '-f=1', 'help', '--help', '--version')
      .map((one) => [one]),
  },
);
const environmentOf = fc.record(
  { DLOG_URL: value, DLOG_TOKEN: value, DLOG_CONSUL_TOKEN: value },
  { requiredKeys: [] },
);

function check({ args, environment }: Case): void {
  let invocation: ReturnType<typeof parseArguments>;
  try {
    invocation = parseArguments(args, environment);
  } catch (error) {
    assert.ok(error instanceof UsageError, `${error}`);
    assert.notEqual(error.message, '');
    return;
  }
  if (invocation.help || invocation.version) return;
  assert.ok(invocation.command !== null);
  assert.ok(invocation.timeoutMs > 0 && Number.isFinite(invocation.timeoutMs));
  const { token } = invocation.client;
  if (typeof token === 'string') assert.doesNotThrow(() => new Headers({ authorization: `Bearer ${token}` }));
  // Where to go to is known only when the pods have been listed.
  const target = invocation.kube === null ? {} : { target: 'http://a' };
  const client = new LogClient({ ...invocation.client, ...target });
  void client.close();
}

export const cli = target<Case>({
  name: 'cli',
  about: 'arguments and environment of dlog',
  shortCases: 1500,
  cases: fc.record({
    args: fc.array(word, { maxLength: 6 }).map((words) => words.flat()),
    environment: environmentOf,
  }),
  open: pure(check),
});
