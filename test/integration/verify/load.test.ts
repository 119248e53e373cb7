// The workload on real loggers while the leader is killed: the history that it records is found right, and the same history with
// a word changed is found wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AppendCall, HistoryLine, ReadCall, SummaryLine } from '../../../src/verify/index.ts';
import { runCli } from '../../support/cli.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';

const consul = sharedConsul();
const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
/** Appends that shall be acknowledged before and after the fault. */
const CALM = 100;

async function directory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'distributed-logger-history-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function linesIn(file: string): Promise<HistoryLine[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as HistoryLine);
}

async function acknowledged(file: string, count: number): Promise<void> {
  await eventually(`${count} appends are acknowledged`, async () => {
    const lines = await linesIn(file);
    return lines.filter((line) => line.type === 'append' && line.outcome === 'ok').length >= count;
  });
}

function startLoad(t: TestContext, args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, 'load', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, said: () => said, output: () => output };
}

/** The file with one line changed. */
async function edited(
  file: string,
  which: (line: HistoryLine) => boolean,
  change: (line: HistoryLine) => HistoryLine | null,
): Promise<string> {
  const lines = await linesIn(file);
  const at = lines.findIndex(which);
  assert.notEqual(at, -1);
  const changed = change(lines[at] as HistoryLine);
  lines.splice(at, 1, ...(changed ? [changed] : []));
  const copy = `${file}.edited`;
  await writeFile(copy, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return copy;
}

test('a load with the leader killed in it is right; with a line changed it is not', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const file = join(await directory(t), 'history.jsonl');
  const urls = loggers.apis.flatMap((api) => ['--url', api, '--read-url', api]);
  const load = startLoad(t, [
    ...urls,
    '--history',
    file,
    '--appenders',
    '1',
    '--call-timeout-ms',
    '3000',
    '--json',
  ]);
  await acknowledged(file, CALM);
  const leader = await loggers.inSync();
  await leader.kill();
  const before = (await linesIn(file)).filter(
    (line) => line.type === 'append' && line.outcome === 'ok',
  ).length;
  await acknowledged(file, before + CALM);
  leader.start();
  await loggers.inSync();
  load.child.kill('SIGTERM');
  assert.deepEqual(await load.ended, [0, null], load.said());
  t.diagnostic(load.said().trim());

  const good = await runCli(['verify', file]);
  t.diagnostic(good.output.trim());
  assert.equal(good.code, 0, good.output);
  const { gaps, appends } = JSON.parse(load.output()) as SummaryLine;
  assert.equal(gaps.length, 3);
  assert.ok(appends.ok >= 2 * CALM && gaps.every(({ ms }) => ms > 0));

  const isAcknowledged = (line: HistoryLine): line is AppendCall =>
    line.type === 'append' && line.outcome === 'ok' && (line.offset ?? 0) > 20;
  const movedAck = await edited(file, isAcknowledged, (line) => ({
    ...(line as AppendCall),
    offset: ((line as AppendCall).offset ?? 0) + 1,
  }));
  const moved = await runCli(['verify', movedAck, '--json']);
  assert.equal(moved.code, 1);
  assert.ok(JSON.parse(moved.output).counts['wrong-offset'] > 0, moved.output);
  const isFinal = (line: HistoryLine) => line.type === 'read' && line.process.includes('/final-');
  const otherValue = await edited(file, isFinal, (line) => {
    const { records, ...rest } = line as ReadCall;
    const [[offset, , epoch] = [0, '', 0], ...others] = records;
    return { ...rest, records: [[offset, 'another', epoch], ...others] };
  });
  const changed = await runCli(['verify', otherValue]);
  assert.equal(changed.code, 1);
  assert.match(changed.output, /^INVALID: .*two-values 1/);

  const live = await runCli(['verify', ...loggers.apis.flatMap((api) => ['--url', api])]);
  assert.equal(live.code, 0, live.output + live.errors);
});

test('a load that is killed leaves a history whose last words may be missing, and no more', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls, count: 1 });
  const dir = await directory(t);
  const [url] = loggers.apis as [string];
  const first = join(dir, 'killed.jsonl');
  const args = ['--url', url, '--read-url', url];
  const killed = startLoad(t, [...args, '--history', first]);
  await acknowledged(first, CALM);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const second = join(dir, 'whole.jsonl');
  const whole = startLoad(t, [...args, '--history', second, '--seconds', '1', '--base', '0']);
  assert.deepEqual(await whole.ended, [0, null], whole.said());
  const alone = await runCli(['verify', first]);
  assert.equal(alone.code, 1);
  assert.match(alone.output, /^Unknown: [\s\S]*no complete final read/);
  const both = await runCli(['verify', first, second]);
  assert.equal(both.code, 0, both.output);
  // Without the first history nobody knows who sent its records.
  const without = await runCli(['verify', second, '--json']);
  assert.ok(JSON.parse(without.output).counts.phantom >= CALM, without.output);
  assert.equal((await runCli(['verify', second, '--others'])).code, 0);
});
