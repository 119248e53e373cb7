// dlog against the real HTTP API over a logger in memory: what it prints, and how it ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments.ts';
import type { BenchResult } from '../../../src/cli/bench/bench-result.ts';
import { CliError } from '../../../src/cli/cli-error.ts';
import { type Failure, failureOf } from '../../../src/cli/failures.ts';
import { run, type Terminal, writes } from '../../../src/cli/run.ts';
import type { ProgressTerminal } from '../../../src/cli/status-line.ts';
import { Troubles } from '../../../src/cli/troubles.ts';
import { LogClient } from '../../../src/client/index.ts';
import { LoggerError } from '../../../src/errors.ts';
import { ROLES, Tokens } from '../../../src/security/index.ts';
import { type RunningApi, startApi, until } from '../../support/api.ts';
import { Authority } from '../../support/authority.ts';
import { answer, problem, ScriptedLogger, silence } from '../client/scripted-logger.ts';

const TOKEN = 'a-token-with-every-role-there-is';

interface Ran {
  output: string;
  readonly notes: string[];
  readonly questions: string[];
  readonly input: PassThrough;
  readonly failure: (error: unknown) => Failure;
  readonly ending: AbortController;
  readonly done: Promise<unknown>;
}

function start(
  url: string,
  args: readonly string[],
  /** Null: more may come. */
  input: string | Buffer | null = '',
  progress: ProgressTerminal | null = null,
  answer: boolean | null = null,
  isScreen = false,
): Ran {
  const stdin = new PassThrough();
  if (input !== null) stdin.end(input);
  const ending = new AbortController();
  const ran = { output: '', notes: [] as string[], questions: [] as string[], ending, progress };
  const terminal = {
    isScreen,
    out: (text: string | Uint8Array) => {
      ran.output += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
      return true;
    },
    drained: () => Promise.resolve(),
    note: (text: string) => void ran.notes.push(text),
    progress: ran.progress,
    confirm:
      answer === null
        ? null
        : async (question: string) => {
            ran.questions.push(question);
            return answer;
          },
    input: stdin,
    signal: ending.signal,
  };
  const invocation = parseArguments([...args, '--url', url], {});
  const troubles = new Troubles();
  const { timeoutMs, command } = invocation;
  return Object.assign(ran, {
    input: stdin,
    failure: (error: unknown) => failureOf(error, { troubles, timeoutMs, writes: writes(command) }),
    done: run(invocation, terminal, troubles).then(
      () => null,
      (error: unknown) => error,
    ),
  });
}

const terminalFor = (input: PassThrough): Terminal => ({
  isScreen: false,
  out: () => true,
  drained: () => Promise.resolve(),
  note: () => {},
  progress: null,
  confirm: null,
  input,
  signal: new AbortController().signal,
});

async function dlog(
  { url }: { readonly url: string },
  args: readonly string[],
  input: string | Buffer = '',
): Promise<Ran> {
  const ran = start(url, args, input);
  assert.equal(await ran.done, null);
  return ran;
}

async function readAll(t: TestContext, { url }: RunningApi) {
  const client = new LogClient({ target: url });
  t.after(() => client.close());
  return client.read();
}

async function failing({ url }: { readonly url: string }, args: readonly string[]): Promise<Failure> {
  const ran = start(url, args);
  const error = await ran.done;
  assert.ok(error instanceof Error, `${args.join(' ')} did not fail`);
  return ran.failure(error);
}

/** A leader that does at once what is wanted of it, member by member. */
async function obedient(t: TestContext): Promise<RunningApi> {
  const api = await startApi(t);
  const { service } = api;
  const [own] = service.membership().members;
  Object.defineProperty(service, 'membership', {
    value: () => ({
      wanted: service.wanted,
      members: (service.wanted ?? [own!.id]).map((id) => ({ ...own!, id })),
    }),
  });
  return api;
}

test('status tells people the essentials, and programs everything', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b');
  const { output } = await dlog(api, ['status']);
  assert.match(output, /^logger {3}logger-0$/m);
  assert.match(output, /^records {2}0 to 2 committed, end 2$/m);
  assert.match(output, /^MEMBER {4}ROLE {4}CONNECTED {2}END {2}LAG {2}PEER$/m);
  const json = await dlog(api, ['status', '--json']);
  assert.deepEqual(JSON.parse(json.output), JSON.parse(JSON.stringify(api.service.status())));
});

test('produce sends each text, or each line of the input, once and in order', async (t) => {
  const api = await startApi(t);
  assert.deepEqual((await dlog(api, ['produce', 'one', 'two'])).notes, [
    '2 records acknowledged, offsets 0 to 1',
  ]);
  await dlog(api, ['produce'], 'three\nfour\r\n\nlast');
  const { output } = await dlog(api, ['produce', '-', '--json'], 'more\n');
  assert.deepEqual(api.service.values, ['one', 'two', 'three', 'four', '', 'last', 'more']);
  assert.deepEqual(JSON.parse(output), { offset: 6, count: 1, epoch: 1 });
});

test('produce splits at LF alone, and sends bytes as they are', async (t) => {
  const api = await startApi(t);
  const lines = [
    'caf\xe9',
    '\x00\xff',
    'a lone \r stays',
    '{"text":"a\xe2\x80\xa8b\xe2\x80\xa9c"}',
    '\r',
    'no end\r',
  ];
  await dlog(api, ['produce'], Buffer.from(`${lines.join('\r\n')}`, 'latin1'));
  const { records } = await readAll(t, api);
  assert.deepEqual(
    records.map(({ value }) => Buffer.from(value).toString('latin1')),
    lines,
  );
  assert.throws(() => parseArguments(['produce', 'caf\ufffd'], {}), { code: 'usage', message: /not UTF-8/ });
});

test('produce refuses a line that no logger takes before it has read it, and stores those before it', async (t) => {
  const api = await startApi(t);
  const ran = start(api.url, ['produce'], null);
  ran.input.write('first\n');
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let written = 0;
  for (; !ran.input.destroyed && written < 200; written += 1)
    if (!ran.input.write(chunk)) await once(ran.input, 'drain').catch(() => {}); // destroyed: no more is read
  assert.ok(written <= 66, `${written} MiB were read`);
  const { code, exitCode, message, outcome } = ran.failure(await ran.done);
  assert.deepEqual([code, exitCode, outcome], ['record-too-large', 1, 'refused']);
  assert.match(message, /^line 2 of the input has more than 67108864 bytes/);
  assert.deepEqual(api.service.values, ['first']);
});

test('produce takes the lines of a file, and shows on a terminal what is acknowledged', async (t) => {
  const api = await startApi(t);
  const dir = await mkdtemp(join(tmpdir(), 'dlog-test-'));
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, 'lines');
  await writeFile(file, 'one\ntwo\n');
  const drawn: string[] = [];
  const shown = { columns: 80, write: (text: string) => void drawn.push(text) };
  assert.equal(await start(api.url, ['produce', '--file', file], '', shown).done, null);
  assert.deepEqual(api.service.values, ['one', 'two']);
  assert.equal(drawn.at(-1), '\r\u001b[2K', 'the line is taken away');
  const missing = await start(api.url, ['produce', '--file', join(dir, 'none')]).done;
  assert.match(String(missing), /ENOENT.*none/);
  assert.deepEqual(api.service.values, ['one', 'two']);
});

test('tail gives other programs the bytes of a record, and a terminal one line that no byte controls', async (t) => {
  const api = await startApi(t);
  api.service.fill('\u001b]0;title\u0007\u001b[2Ja\nb\u009b', 'x\u2028y\u202e', Buffer.from([0xe9, 0x1b]));
  const piped = await dlog(api, ['tail']);
  assert.equal(piped.output, '\u001b]0;title\u0007\u001b[2Ja\nb\u009b\nx\u2028y\u202e\n\xe9\x1b\n');
  const shown = start(api.url, ['tail'], '', null, null, true);
  assert.equal(await shown.done, null);
  assert.equal(shown.output, '·]0;title··[2Ja·b·\nx·y·\nbase64 6Rs=\n');
});

test('tail begins at a moment', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b', 'c');
  assert.equal((await dlog(api, ['tail', '--since', '2023-11-14T22:13:20.001Z'])).output, 'b\nc\n');
  assert.equal((await dlog(api, ['tail', '--since', '1d'])).output, '');
});

test('produce ends as refused, and as unknown, for what it is', async (t) => {
  const api = await startApi(t, { limits: { recordBytes: 10 } });
  const { exitCode, message } = await failing(api, ['produce', 'x', 'x'.repeat(20)]);
  assert.equal(exitCode, 1);
  assert.match(message, /^text 2: /);
  api.service.commitsAtOnce = false;
  assert.equal((await failing(api, ['produce', 'x', '--timeout', '100ms'])).exitCode, 75);
});

test('tail prints the last ten, from an offset, or goes on for ever', async (t) => {
  const api = await startApi(t);
  api.service.fill(...Array.from({ length: 12 }, (_, index) => `m${index}`));
  assert.equal((await dlog(api, ['tail'])).output.split('\n')[0], 'm2');
  assert.equal((await dlog(api, ['tail', '--from', '10'])).output, 'm10\nm11\n');
  assert.equal((await dlog(api, ['tail', '--from', 'latest'])).output, '');
  assert.equal((await dlog(api, ['tail', '--from', 'earliest'])).output.split('\n').length, 13);
  api.service.fill(Buffer.from([0xff]));
  const row = JSON.parse((await dlog(api, ['tail', '--from', '12', '--json'])).output);
  assert.deepEqual(row, { offset: 12, timestamp: 1_700_000_000_012, epoch: 1, base64: '/w==' });
  const beyond = await failing(api, ['tail', '--from', '14']);
  assert.deepEqual([beyond.code, beyond.exitCode], ['offset-out-of-range', 1]);
  assert.equal((await dlog(api, ['tail', '--from', '13'])).output, '');
  const following = start(api.url, ['tail', '--from', '12', '--follow']);
  api.service.fill('new');
  await until('the new record is printed', () => following.output === '\xff\nnew\n');
  following.ending.abort();
  assert.equal(await following.done, null);
  api.service.retainFrom(5);
  assert.equal((await failing(api, ['tail', '--from', '1'])).exitCode, 1);
});

test('members are listed, added and removed; the wish comes on top of the one before', async (t) => {
  const api = await obedient(t);
  assert.match((await dlog(api, ['members'])).output, /^logger-0 /m);
  await dlog(api, ['members', 'add', 'logger-1', 'logger-2', 'logger-0']);
  assert.deepEqual(api.service.wanted, ['logger-0', 'logger-1', 'logger-2']);
  const { output } = await dlog(api, ['members', 'remove', 'logger-1', '--json']);
  assert.deepEqual(JSON.parse(output).wanted, ['logger-0', 'logger-2']);
});

test('a change that does not come about says what is missing; one that is not ours is refused', async (t) => {
  const api = await startApi(t);
  const late = await failing(api, ['members', 'add', 'logger-1', '--timeout', '300ms']);
  assert.equal(late.exitCode, 69);
  assert.match(late.message, /Not members yet: logger-1/);
  api.service.refusal = new LoggerError('members-managed');
  const managed = await failing(api, ['members', 'remove', 'logger-1']);
  assert.deepEqual([managed.code, managed.exitCode, managed.outcome], ['members-managed', 1, 'none']);
  assert.equal(managed.message, 'The StatefulSet decides who is a member');
  assert.match(managed.hint, /kubectl scale statefulset/);
});

test('transfer waits for the new leader, within its time', async (t) => {
  const api = await startApi(t);
  const moved = start(api.url, ['transfer', 'logger-1', '--json']);
  await until('it was asked for', () => api.service.transfers.length === 1);
  api.service.epoch = 2;
  api.service.follow({ id: 'logger-1', api: 'http://leader.test' });
  assert.equal(await moved.done, null);
  assert.deepEqual(JSON.parse(moved.output), { epoch: 2, leader: 'logger-1' });
  api.service.lead();
  assert.equal((await failing(api, ['transfer', 'logger-0'])).exitCode, 1);
  assert.equal((await failing(api, ['transfer', '--timeout', '200ms'])).exitCode, 69);
});

test('after the leader took a command it is not called refused, whatever the next answer is', async (t) => {
  const tokens = new Tokens(ROLES.map((role) => ({ role, token: TOKEN })));
  const nobody = new Tokens([]);
  const taken = (): boolean => api.service.transfers.length > 0 || api.service.wanted !== null;
  const access = { tokens: () => (taken() ? nobody : tokens), metricsNeedToken: false };
  const api = await startApi(t, { access });
  for (const [args, message] of [
    [['transfer', 'logger-1'], /^logger-1 was asked to lead in epoch 2; whether it is done is not known: /],
    [['members', 'add', 'logger-1'], /^the leader was told to make logger-0, logger-1 members; /],
  ] as const) {
    const failure = await failing(api, [...args, '--token', TOKEN]);
    assert.deepEqual([failure.code, failure.outcome, failure.exitCode], ['unauthorized', 'unknown', 75]);
    assert.match(failure.message, message);
    api.service.transfers = [];
  }
});

test('nobody there: unavailable after the time that was given, with the reason and what to try', async () => {
  const failure = await failing({ url: 'http://127.0.0.1:1' }, ['status', '--timeout', '200ms']);
  const { code, exitCode, message, hint, outcome } = failure;
  assert.deepEqual([code, exitCode, outcome], ['no-answer', 69, null]);
  assert.match(
    message,
    /^gave up after 0.2 s: http:\/\/127.0.0.1:1: no connection to 127.0.0.1:1: .*ECONNREFUSED/,
  );
  assert.match(hint, /--url.*--kube.*--consul/);
});

test('what a logger said goes before that others were silent', async (t) => {
  const starting = await ScriptedLogger.start(t, [], problem('not-ready'));
  starting.status = { id: 'logger-0', role: 'follower', epoch: 1, offsets: { first: 0, commit: 9, end: 9 } };
  const args = ['tail', '--from', '0', '--url', 'http://127.0.0.1:1', '--timeout', '300ms'];
  const failure = await failing({ url: starting.url }, args);
  assert.deepEqual([failure.code, failure.exitCode, failure.outcome], ['not-ready', 69, null]);
  assert.match(failure.message, /This logger is not ready/);
  assert.match(failure.hint, /starting/);
});

test('Consul that does not answer, or knows no such cluster, is what a command is given up for', async (t) => {
  const failing = async (url: string): Promise<Failure> => {
    const troubles = new Troubles();
    const invocation = parseArguments(
      ['status', '--consul', url, '--cluster', 'x', '--timeout', '200ms'],
      {},
    );
    const error = await run(invocation, terminalFor(new PassThrough()), troubles).catch((reason) => reason);
    return failureOf(error, { troubles, timeoutMs: 200, writes: false });
  };
  const away = await failing('http://127.0.0.1:1');
  assert.deepEqual([away.code, away.exitCode], ['consul-unreachable', 69]);
  const empty = await ScriptedLogger.start(t, [answer(404, '', { 'x-consul-index': '3' })], silence);
  const unknown = await failing(empty.url);
  assert.deepEqual([unknown.code, unknown.exitCode], ['no-leader', 69]);
  assert.match(unknown.message, /Consul has no register of the cluster "x"/);
});

test('something that is no logger is told from one', async (t) => {
  const other = await ScriptedLogger.start(t, [], answer(200, '<html>'));
  const failure = await failing({ url: other.url }, ['members', '--timeout', '200ms']);
  assert.deepEqual([failure.code, failure.exitCode], ['bad-answer', 69]);
  assert.match(failure.hint, /no logger/);
});

test('a logger that stays silent leaves it unknown whether a write was done, and a read undone', async (t) => {
  const frozen = await ScriptedLogger.start(t, [], silence);
  const asked = await failing({ url: frozen.url }, ['tail', '--timeout', '200ms']);
  assert.deepEqual([asked.exitCode, asked.outcome], [69, null]);
  const sent = await failing({ url: frozen.url }, ['produce', 'x', '--timeout', '200ms']);
  assert.deepEqual([sent.exitCode, sent.outcome], [75, 'unknown']);
});

test('a command that is interrupted while records wait ends soon', async (t) => {
  const api = await startApi(t);
  api.service.commitsAtOnce = false;
  const ran = start(api.url, ['produce'], 'one\ntwo\n');
  await until('something was sent', () => api.requests.length > 0 || api.service.values.length > 0);
  ran.ending.abort(new CliError('interrupted', 'interrupted'));
  const error = await ran.done;
  assert.ok(error instanceof Error);
  assert.equal(ran.failure(error).code, 'interrupted');
  assert.deepEqual(ran.notes, ['no record was acknowledged']);
});

test('produce that waits for input ends when a record is refused, or not acknowledged in time', async (t) => {
  const api = await startApi(t, { limits: { recordBytes: 10 } });
  const refused = start(api.url, ['produce'], null);
  refused.input.write(`one\n${'x'.repeat(20)}\n`);
  const { code, exitCode, message } = refused.failure(await refused.done);
  assert.deepEqual([code, exitCode, api.service.values], ['record-too-large', 1, ['one']]);
  assert.match(message, /^line 2: /);
  api.service.commitsAtOnce = false;
  const late = start(api.url, ['produce', '--timeout', '100ms'], null);
  late.input.write('two\n');
  assert.equal(late.failure(await late.done).exitCode, 75);
});

test('produce that waits for input ends when it is told to, and says what it has done', async (t) => {
  const api = await startApi(t);
  const drawn: string[] = [];
  const shown = { columns: 80, write: (text: string) => void drawn.push(text) };
  const ran = start(api.url, ['produce'], null, shown);
  ran.input.write('one\n');
  await until('the first line is acknowledged', () => drawn.some((text) => text.includes('1 records')));
  ran.ending.abort(new CliError('interrupted', 'interrupted'));
  const error = await ran.done;
  assert.equal(ran.failure(error).code, 'interrupted');
  assert.deepEqual(ran.notes, ['1 record acknowledged, offsets 0 to 0']);
});

test('bench writes, measures and finds its records again', async (t) => {
  const api = await startApi(t);
  api.service.fill('before');
  const args = ['bench', '--seconds', '1', '--producers', '2', '--rate', '50', '--size', '40'];
  const { output } = await dlog(api, [...args, '--yes', '--json']);
  const result = JSON.parse(output) as BenchResult;
  assert.equal(result.records, 100);
  assert.equal(api.service.values.length, 101);
  assert.ok(api.service.values.slice(1).every((value) => value.length === 40));
  assert.deepEqual(result.check, { records: 100, lost: 0, repeated: 0, misplaced: 0 });
  assert.deepEqual(result.offsets, { first: 1, last: 100 });
  const { p50, p99, max } = result.latencyMs;
  assert.ok(0 < p50 && p50 <= p99 && p99 <= max * 1.01, output);
  const table = await dlog(api, ['bench', '--seconds', '1', '--yes', '--in-flight', '2']);
  assert.match(table.output, /^acknowledged +[\d,]+ records of 100 bytes, by 1 producer, in /m);
  assert.match(table.output, /^read back +all [\d,]+ are where they were acknowledged$/m);
});

test('bench asks before it writes, and does not where nobody can be asked', async (t) => {
  const api = await startApi(t);
  const refused = await failing(api, ['bench', '--seconds', '1']);
  assert.deepEqual([refused.code, refused.exitCode], ['not-confirmed', 64]);
  assert.match(
    refused.message,
    /^This writes as many records as it takes of 100 bytes within 1 s into the log of /,
  );
  const no = start(api.url, ['bench', '--seconds', '1'], '', null, false);
  assert.match(String(await no.done), /nothing was written/);
  assert.match(no.questions.join(), /They stay there. Go on\?$/);
  assert.deepEqual(api.service.values, []);
  const yes = start(api.url, ['bench', '--seconds', '1', '--rate', '5'], '', null, true);
  assert.equal(await yes.done, null);
  assert.equal(api.service.values.length, 5);
});

test('TLS on one side only, and a certificate that is not trusted: refused at once, with the option', async (t) => {
  const authority = await Authority.make('unknown');
  const tls = await authority.certificate('logger');
  const secure = await startApi(t, { tls: () => tls });
  const plain = await startApi(t);
  const https = plain.url.replace('http:', 'https:');
  const http = secure.url.replace('https:', 'http:');
  for (const [url, message] of [
    [
      secure.url,
      /^the certificate of https:\S+ is not trusted \(\w+\); the authorities are those that Node knows$/,
    ],
    [https, /^https:\S+ does not speak TLS: it takes http:\/\/$/],
    [http, /^http:\S+ speaks TLS: it takes https:\/\/$/],
  ] as const) {
    const failure = await failing({ url }, ['status', '--timeout', '5m']);
    assert.deepEqual([failure.code, failure.exitCode, failure.outcome], ['tls-failed', 1, null]);
    assert.match(failure.message, message);
    assert.match(failure.hint, /https:\/\/.*--ca-file FILE/);
    assert.equal((await failing({ url }, ['verify', '--timeout', '5m'])).code, 'tls-failed');
    const written = await failing({ url }, ['produce', 'x', '--timeout', '5m']);
    assert.deepEqual([written.code, written.exitCode, written.outcome], ['tls-failed', 1, 'refused']);
  }
  // One address that can answer is enough to go on.
  const both = await dlog(plain, ['status', '--url', https]);
  assert.match(both.output, /^logger {3}logger-0$/m);
});
