// Three loggers as real processes on a real Consul: who leads, who answers what, and what a leader may say once it is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '../../support/cli.ts';
import { sharedConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { Loggers } from '../../support/loggers.ts';
import { readAll } from '../../support/steady-producer.ts';

const consul = sharedConsul();
const REQUEST_DEADLINE_MS = 30_000;
/** A frozen leader is replaced well within it. */
const FROZEN_DEADLINE_MS = 20_000;

const append = (api: string, text: string): Promise<Response> =>
  fetch(`${api}/api/v1/log`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: text,
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
  });

const readLinearizable = (api: string): Promise<Response> =>
  fetch(`${api}/api/v1/log?consistency=linearizable`, {
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
  });

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;

test('one of three leads; what it acknowledged every logger serves; the others show the way', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  const answer = await append(leader.api, 'hello');
  assert.equal(answer.status, 200);
  const { offset, epoch } = (await answer.json()) as { offset: number; epoch: number };
  assert.deepEqual({ offset, epoch }, { offset: 0, epoch: 1 });
  for (const { api } of loggers.all) assert.deepEqual(await readAll(api, 1), ['hello']);
  for (const { api } of loggers.others(leader)) {
    const redirected = await append(api, 'elsewhere');
    assert.equal(redirected.status, 307);
    assert.equal(redirected.headers.get('location'), `${leader.api}/api/v1/log`);
  }
  const read = await readLinearizable(leader.api);
  assert.equal(read.status, 200);
  assert.match(await read.text(), /"value":"hello"/);
});

test('a leader that was frozen and replaced acknowledges nothing more, and serves no stale linearizable read', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const stale = await loggers.inSync();
  assert.equal((await append(stale.api, 'before')).status, 200);
  stale.pause();
  const leader = await loggers.inSync(loggers.all.map(({ id }) => id));
  assert.notEqual(leader, stale);
  assert.equal((await append(leader.api, 'meanwhile')).status, 200);
  // The kernel takes these for the frozen process: it finds them when it wakes up and still believes that it leads.
  const late = append(stale.api, 'too late');
  const read = readLinearizable(stale.api);
  await sleep(100);
  stale.resume();
  const answer = await late;
  assert.ok([307, 503].includes(answer.status), `the late append was answered with ${answer.status}`);
  if (answer.status === 503)
    assert.ok(['not-leader', 'no-leader', 'outcome-unknown'].includes(await codeOf(answer)));
  const readAnswer = await read;
  assert.ok([307, 503].includes(readAnswer.status), `the stale read was answered with ${readAnswer.status}`);
  await loggers.inSync();
  assert.equal((await append(leader.api, 'after')).status, 200);
  for (const { api } of loggers.all)
    assert.deepEqual(await readAll(api, 3), ['before', 'meanwhile', 'after']);
});

test('a leader whose followers are frozen serves what is committed, but no linearizable read', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  assert.equal((await append(leader.api, 'before')).status, 200);
  for (const follower of loggers.others(leader)) follower.pause();
  const read = await readLinearizable(leader.api);
  assert.equal(read.status, 503);
  assert.ok(['not-ready', 'not-leader', 'no-leader'].includes(await codeOf(read)));
  const stepped = (): Promise<boolean> => leader.status().then((status) => status?.role === 'follower');
  await eventually('the leader without followers steps down', stepped, FROZEN_DEADLINE_MS);
  assert.deepEqual(await readAll(leader.api, 1), ['before']);
  for (const follower of loggers.others(leader)) follower.resume();
  const next = await loggers.inSync();
  assert.equal((await append(next.api, 'after')).status, 200);
  assert.deepEqual(await readAll(next.api, 2), ['before', 'after']);
});

test('a second logger of the same name is refused, with the reason', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  const [first] = loggers.others(leader);
  const twin = await loggers.twinOf(first!);
  twin.start();
  assert.deepEqual(await twin.exited, { code: 78, signal: null });
  assert.match(twin.lines.join('\n'), /another logger with the id logger-\d lives in cluster/);
  assert.equal((await append(leader.api, 'on we go')).status, 200);
  for (const { api } of loggers.all.slice(0, 3)) assert.deepEqual(await readAll(api, 1), ['on we go']);
});

test('dlog finds the leader through Consul, appends, reads and hands leadership over', async (t) => {
  const loggers = await Loggers.start(t, { consulUrls: consul().urls });
  const leader = await loggers.inSync();
  const at = consul().urls.flatMap((url) => ['--consul', url, '--cluster', loggers.cluster]);
  const dlog = async (args: readonly string[], input = ''): Promise<string> => {
    const { code, output, errors } = await runCli([...args, ...at], { input });
    assert.equal(code, 0, `${args[0]}: ${errors}`);
    return output;
  };
  await dlog(['produce', '-'], 'one\ntwo\nthree\n');
  assert.equal(await dlog(['tail', '--from', '1']), 'two\nthree\n');
  assert.equal(await dlog(['tail', '--since', '1h']), 'one\ntwo\nthree\n');
  const [next] = loggers.others(leader);
  assert.equal(await dlog(['transfer', next!.id]), `${next!.id} leads in epoch 2\n`);
  assert.match(await dlog(['status']), new RegExp(`^leader +${next!.id} at ${next!.api}$`, 'm'));
});
