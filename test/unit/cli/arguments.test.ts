import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS, parseArguments, UsageError } from '../../../src/cli/arguments.ts';
import { helpOf } from '../../../src/cli/help.ts';

const parse = (line: string, environment: Record<string, string> = {}) =>
  parseArguments(line === '' ? [] : line.split(' '), environment);

test('options may stand before and after the command', () => {
  const { command, operands, client, json, timeoutMs } = parse(
    '--json members add logger-3 logger-4 --url http://a:1 --url http://b:2/ --timeout 5m',
  );
  assert.equal(command, 'members add');
  assert.deepEqual(operands, ['logger-3', 'logger-4']);
  assert.deepEqual(client, { target: ['http://a:1', 'http://b:2/'] });
  assert.equal(json, true);
  assert.equal(timeoutMs, 300_000);
});

test('the loggers are found by option, by environment, at the default address or through Consul', () => {
  assert.deepEqual(parse('status').client, { target: ['http://127.0.0.1:8080'] });
  const environment = { DLOG_URL: 'http://a:1, http://b:2', DLOG_CONSUL_TOKEN: 'secret' };
  assert.deepEqual(parse('status', environment).client, { target: ['http://a:1', 'http://b:2'] });
  const consul = { urls: ['http://c:8500'], cluster: 'x', token: 'secret' };
  assert.deepEqual(parse('status --consul http://c:8500 --cluster x', environment).client, { consul });
});

test('authorities and secrets come from files, of options or of the environment', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'dlog-files-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const [ca, token] = [join(directory, 'ca.crt'), join(directory, 'token')];
  const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----';
  await writeFile(ca, `${pem}\n`);
  await writeFile(token, 'acl-token\n');
  assert.equal(parse(`status --ca-file ${ca}`).client.ca, pem);
  assert.equal(parse('status', { DLOG_CA_FILE: ca }).client.ca, pem);
  const environment = { DLOG_CONSUL_TOKEN_FILE: token, DLOG_CONSUL_CA_FILE: ca, DLOG_CONSUL_TOKEN: 'other' };
  assert.deepEqual(parse('status --consul https://c:8501', environment).client.consul, {
    urls: ['https://c:8501'],
    token: 'acl-token',
    ca: pem,
  });
  assert.throws(() => parse(`status --ca-file ${token}`), /--ca-file: .*token holds no certificate in PEM/);
  assert.throws(() => parse('status --ca-file none'), /--ca-file: ENOENT/);
});

test('tail has its own options', () => {
  assert.equal(parse('tail --from 7').from, 7);
  assert.equal(parse('tail --from earliest').from, 'earliest');
  assert.deepEqual([parse('tail').from, parse('tail -f').follow], [null, true]);
});

test('load and verify have their own options', () => {
  const { load, client } = parse(
    'load --url http://l:1 --read-url http://a:1/ --read-url http://b:1 --history h.jsonl --seconds 60 --rate 20 --no-final',
  );
  assert.deepEqual(client, { target: ['http://l:1'] });
  assert.match(load.name, /^load-[0-9a-f]{8}$/);
  assert.deepEqual(
    { ...load, name: '' },
    {
      name: '',
      history: 'h.jsonl',
      loggers: ['http://a:1', 'http://b:1'],
      producers: 2,
      appenders: 0,
      rate: 20,
      seconds: 60,
      callTimeoutMs: 10_000,
      base: null,
      final: false,
    },
  );
  const { operands, verify } = parse('verify a.jsonl ./b/c.jsonl - --clock-skew-ms 0 --others');
  assert.deepEqual(operands, ['a.jsonl', './b/c.jsonl', '-']);
  assert.deepEqual(verify, { clockSkewMs: 0, others: true });
});

test('help is for all commands, or for one', () => {
  for (const line of ['', '--help', 'help']) {
    const { help, command } = parse(line);
    assert.deepEqual([help, command], [true, null]);
  }
  for (const line of ['members add --help', 'help members add', '-h members add'])
    assert.deepEqual([parse(line).help, parse(line).command], [true, 'members add']);
});

const wrong: Readonly<Record<string, RegExp>> = {
  stauts: /there is no command "stauts"/,
  'status now': /status takes no "now"/,
  'members logger-0': /members takes add or remove, not "logger-0"/,
  'members add': /members add takes the ids of loggers/,
  'members add Logger': /"Logger" is not the id of a logger/,
  'transfer a b': /one logger at most/,
  'produce a -': /not both/,
  'status --from 1': /--from belongs to tail/,
  'tail --from -1': /--from/,
  'tail --from 1 --since 1m': /not both/,
  'tail --since yesterday': /--since is "yesterday"/,
  'status --since 1m': /--since belongs to tail/,
  'status --file x': /--file belongs to produce/,
  'produce a --file x': /not both/,
  restore: /restore takes one data directory/,
  'restore a b': /restore takes one data directory/,
  'completion csh': /one of bash, zsh, fish/,
  'tail --from x': /--from is "x"/,
  'status --timeout soon': /--timeout is "soon"/,
  'status --timeout 0': /--timeout is "0"/,
  'status --url ftp://a': /"ftp:\/\/a" is not an http/,
  'status --cluster x': /needs --consul/,
  'status --verbose': /--verbose/,
  'status --others': /--others belongs to verify/,
  'verify --seconds 5': /--seconds belongs to load/,
  'load history.jsonl': /load takes no "history.jsonl"/,
  'load --rate fast': /--rate is "fast": it takes a whole number from 1 to 10000/,
  'load --name A/b': /--name is "A\/b"/,
  'load --read-url a:1': /"a:1" is not an http/,
  'load --consul http://c:8500': /load takes --url, not --consul/,
};
for (const [line, why] of Object.entries(wrong))
  test(`dlog ${line}: refused, with the reason`, () => {
    assert.throws(
      () => parse(line),
      (error: unknown) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, why);
        return true;
      },
    );
  });

test('docs/reference/cli.md shows the help of each command as it is', () => {
  const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
  assert.ok(page.includes(helpOf(null)));
  for (const command of COMMANDS) {
    const [own] = helpOf(command).split('\nOptions of all');
    assert.ok(page.includes(`### dlog ${command}\n\n\`\`\`\n${own}\`\`\`\n`), command);
  }
});

test('the token comes from an option, a file or the environment', async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), 'distributed-logger-token-')), 'token');
  t.after(() => rm(dirname(file), { recursive: true }));
  await writeFile(file, 'from-file\n');
  const tokenOf = (...args: string[]) =>
    parseArguments(['status', ...args], { DLOG_TOKEN: 'from-environment' }).client.token;
  assert.equal(tokenOf(), 'from-environment');
  assert.equal(tokenOf('--token', 'given'), 'given');
  assert.equal(tokenOf('--token-file', file), 'from-file');
  assert.throws(() => tokenOf('--token', 'a', '--token-file', file), UsageError);
  assert.throws(() => tokenOf('--token-file', `${file}-not`), UsageError);
});
