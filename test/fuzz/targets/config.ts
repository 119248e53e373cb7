// Environment variables of both programs: any text gives a configuration with which the program can be built, or one error in
// which every line names a variable.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LogClient } from '../../../src/client/index.ts';
import {
  ConfigError,
  type LoggerConfig,
  loggerSettings,
  type ProducerConfig,
  producerSettings,
  readConfig,
} from '../../../src/config.ts';
import { parsePeers } from '../../../src/logger/addresses.ts';
import { parseHostPort } from '../../../src/replication/dial.ts';
import { byteDamage, damageBytes } from '../mutate.ts';
import { pure, target } from '../target.ts';

const TABLES = { logger: loggerSettings, producer: producerSettings };
type Program = keyof typeof TABLES;

interface Case {
  readonly program: Program;
  /** By the place of the setting in its table. */
  readonly given: readonly { readonly at: number; readonly text: string }[];
}

const GOOD = [
  ...[
    '0',
    '1',
    '80',
    '8080',
    '65535',
    '65536',
    '250',
    '10000',
    '1048576',
    '4294967296',
    '0.2',
    '1e3',
    '-1',
    '007',
  ],
  ...['true', 'false', 'auto', 'info', 'a', 'logger-0', 'a-b', 'X', 'a'.repeat(63), 'a'.repeat(64)],
  ...[
    'http://a:8500',
    'https://b/consul/',
    'http://a,http://b',
    'http://[::1]:8080',
    'http://u:p@a/?q#h',
    'ftp://a',
  ],
  ...[
    'logger-0=h:1,logger-1=i:2',
    'a=b:99999',
    'h:9090',
    '[::1]:9090',
    'a b:1',
    'http://h:1',
    '::1:80',
    'h:0',
  ],
  ...[
    '9223372036854775807',
    '9223372036854775808',
    '9999999999999999999',
    'Message: %d',
    '%d%',
    '/tmp/x',
    '.',
  ],
] as const;

// An environment cannot hold NUL, so no text has one.
const withoutNul = (text: string): string => text.replaceAll('\0', '');
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...GOOD) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...GOOD), fc.array(byteDamage, { minLength: 1, maxLength: 2 }))
      .map(([good, damages]) => withoutNul(damageBytes(Buffer.from(good), damages).toString('utf8'))),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map(withoutNul) },
);

const setting = fc.record({ at: fc.nat({ max: 999 }), text });

function check({ program, given }: Case): void {
  const table = TABLES[program];
  const variables = Object.values(table).map(({ variable }) => variable as string);
  // Host names differ between machines, and not every one is an id.
  const environment: Record<string, string> = { DLOG_ID: 'logger-0', DLOG_PRODUCER_NAME: 'producer' };
  for (const { at, text } of given) environment[variables[at % variables.length] as string] = text;
  let config: unknown;
  try {
    config = readConfig(table, environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${error}`);
    assert.ok(error.problems.length > 0);
    for (const problem of error.problems)
      assert.ok(
        variables.some((variable) => environment[variable] && problem.startsWith(`${variable} is `)),
        `no variable that was given is named: ${problem}`,
      );
    return;
  }
  if (program === 'logger') buildsLogger(config as LoggerConfig);
  else buildsProducer(config as ProducerConfig);
}

/** What the parts of a logger make of their settings, where they could still refuse one. */
function buildsLogger({ peers, peerAddress, consulUrls, apiUrl }: LoggerConfig): void {
  for (const { peer } of parsePeers(peers)) assert.ok(parseHostPort(peer), `${peer} is no address of a peer`);
  if (peerAddress !== null) assert.ok(parseHostPort(peerAddress), `${peerAddress} is no address of a peer`);
  for (const url of [...consulUrls, ...(apiUrl === null ? [] : [apiUrl])]) assert.ok(URL.canParse(url), url);
}

function buildsProducer({ target: targets, consulUrls: urls, cluster, producerId }: ProducerConfig): void {
  const client = new LogClient(targets === null ? { consul: { urls, cluster } } : { target: targets });
  void client.close();
  if (producerId !== null) assert.ok(BigInt(producerId) > 0n);
}

export const config = target<Case>({
  name: 'config',
  about: 'environment variables of logger and producer',
  shortCases: 1500,
  cases: fc.record({
    program: fc.constantFrom<Program>('logger', 'producer'),
    // One at a time mostly: one bad setting hides what the good ones would come to.
    given: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(setting) },
      { weight: 1, arbitrary: fc.array(setting, { minLength: 1, maxLength: 4 }) },
    ),
  }),
  open: pure(check),
});
