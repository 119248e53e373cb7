// dlog against the real HTTP API over a logger in memory: what it prints, and how it ends.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import type { ProgressTerminal } from '../../../src/cli/progress.ts';
import { run } from '../../../src/cli/run.ts';
import { LoggerError } from '../../../src/errors.ts';
import { type RunningApi, startApi, until } from '../../support/api.ts';
import { Authority } from '../../support/authority.ts';

interface Ran {
  output: string;
  readonly notes: string[];
  readonly ending: AbortController;
  readonly done: Promise<unknown>;
}

function start(
  url: string,
  args: readonly string[],
  input = '',
  progress: ProgressTerminal | null = null,
): Ran {
  const stdin = new PassThrough();
  stdin.end(input);
  const ending = new AbortController();
  const ran = { output: '', notes: [] as string[], ending, progress };
  const terminal = {
    out: (text: string) => {
      ran.output += text;
      return true;
    },
    drained: () => Promise.resolve(),
    note: (text: string) => void ran.notes.push(text),
    progress: ran.progress,
    input: stdin,
    signal: ending.signal,
  };
  const invocation = parseArguments([...args, '--url', url], {});
  return Object.assign(ran, {
    done: run(invocation, terminal).then(
      () => null,
      (error: unknown) => error,
    ),
  });
}

async function dlog({ url }: RunningApi, args: readonly string[], input = ''): Promise<Ran> {
  const ran = start(url, args, input);
  assert.equal(await ran.done, null);
  return ran;
}

async function failing(
  { url }: RunningApi,
  args: readonly string[],
): Promise<{ code: number; message: string }> {
  const error = await start(url, args).done;
  assert.ok(error instanceof Error);
  return { code: exitCodeOf(error), message: error.message };
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

test('tail begins at a moment', async (t) => {
  const api = await startApi(t);
  api.service.fill('a', 'b', 'c');
  assert.equal((await dlog(api, ['tail', '--since', '2023-11-14T22:13:20.001Z'])).output, 'b\nc\n');
  assert.equal((await dlog(api, ['tail', '--since', '1d'])).output, '');
});

test('produce ends as refused, and as unknown, for what it is', async (t) => {
  const api = await startApi(t, { limits: { recordBytes: 10 } });
  assert.equal((await failing(api, ['produce', 'x'.repeat(20)])).code, 1);
  api.service.commitsAtOnce = false;
  assert.equal((await failing(api, ['produce', 'x', '--timeout', '100ms'])).code, 75);
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
  const following = start(api.url, ['tail', '--from', '12', '--follow']);
  api.service.fill('new');
  await until('the new record is printed', () => following.output === '/w==\nnew\n');
  following.ending.abort();
  assert.equal(await following.done, null);
  api.service.retainFrom(5);
  assert.equal((await failing(api, ['tail', '--from', '1'])).code, 1);
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
  assert.equal(late.code, 69);
  assert.match(late.message, /Not members yet: logger-1/);
  api.service.refusal = new LoggerError('members-managed');
  const managed = await failing(api, ['members', 'remove', 'logger-1']);
  assert.deepEqual(managed, { code: 1, message: 'The StatefulSet decides who is a member' });
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
  assert.equal((await failing(api, ['transfer', 'logger-0'])).code, 1);
  assert.equal((await failing(api, ['transfer', '--timeout', '200ms'])).code, 69);
});

test('nobody there: unavailable, after the time that was given', async () => {
  const error = await start('http://127.0.0.1:1', ['status', '--timeout', '200ms']).done;
  assert.equal(exitCodeOf(error), 69);
});

test('a logger that is not trusted: unavailable, and why', async (t) => {
  const tls = await (await Authority.make('unknown')).certificate('logger');
  const { code, message } = await failing(await startApi(t, { tls: () => tls }), [
    'status',
    '--timeout',
    '2s',
  ]);
  assert.equal(code, 69);
  assert.match(message, /given up: .*; before that: no connection to 127\.0\.0\.1:\d+: .*certificate/);
});
