import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createConsulClient } from '../../../src/election/consul-client.ts';
import { RegisterMalformed } from '../../../src/election/errors.ts';
import { snapshotOf } from '../../../src/election/register.ts';
import { watchRegister } from '../../../src/election/register-watch.ts';
import type { RegisterSnapshot } from '../../../src/election/types.ts';
import { until } from '../../support/until.ts';
import { type Script, type ScriptedAnswer, scriptedServer } from './scripted-server.ts';
import { base64, OPEN, registerValue } from './values.ts';

const key = 'distributed-logger/test/leader';
const timings = { waitMs: 200, graceMs: 10_000, retryFirstMs: 1, retryMaxMs: 5, idleMs: 1 };

const holding = (revision: number, ModifyIndex: number, index = ModifyIndex): ScriptedAnswer => ({
  status: 200,
  json: [{ Key: key, Value: base64(registerValue({ revision })), ModifyIndex }],
  index,
});

async function watching(t: TestContext, script: Script, graceMs = timings.graceMs) {
  const server = await scriptedServer(t, script);
  const client = createConsulClient({ urls: [server.url], ...OPEN });
  const end = new AbortController();
  t.after(() => {
    end.abort();
    client.close();
  });
  const changes: RegisterSnapshot[] = [];
  const reached: (true | Error)[] = [];
  const handlers = {
    onChange: (snapshot: RegisterSnapshot) => void changes.push(snapshot),
    onReachable: (reachable: boolean, cause?: Error) => void reached.push(reachable || (cause as Error)),
  };
  watchRegister(client, key, (answer) => snapshotOf(key, answer), handlers, end.signal, {
    ...timings,
    graceMs,
  });
  return { server, changes, reached, end };
}

/** Answers the first requests by the list, and lets all further ones hang. */
const inTurn =
  (...answers: ScriptedAnswer[]): Script =>
  () =>
    answers.shift() ?? 'hang';

describe('watching the register', () => {
  it('reads at first, then blocks on the index it got', async (t) => {
    const { server, changes, reached } = await watching(t, inTurn(holding(1, 7, 9), holding(2, 12)));
    await until('3 queries came', () => server.requests.length === 3);
    assert.deepEqual(
      server.requests.map(({ query }) => [query.get('index'), query.get('wait'), query.get('consistent')]),
      [
        [null, null, '1'],
        ['9', '200ms', '1'],
        ['12', '200ms', '1'],
      ],
    );
    assert.deepEqual(
      changes.map(({ index, value }) => [index, value?.revision]),
      [
        [7, 1],
        [12, 2],
      ],
    );
    assert.deepEqual(reached, [true]);
  });

  it('tells of a change once, however often it is read', async (t) => {
    const { server, changes } = await watching(
      t,
      inTurn(
        holding(1, 7),
        holding(1, 7, 8),
        holding(1, 7, 9),
        { status: 404, index: 10 },
        { status: 404, index: 11 },
      ),
    );
    await until('6 queries came', () => server.requests.length === 6);
    assert.deepEqual(
      changes.map(({ index }) => index),
      [7, 0],
    );
  });

  it('starts anew when the index falls, and sees what a restored Consul holds', async (t) => {
    const { server, changes } = await watching(
      t,
      inTurn(holding(5, 70), holding(3, 4), holding(3, 4), holding(4, 6)),
    );
    await until('5 queries came', () => server.requests.length === 5);
    assert.deepEqual(
      server.requests.map(({ query }) => query.get('index')),
      [null, '70', null, '4', '6'],
    );
    assert.deepEqual(
      changes.map(({ value }) => value?.revision),
      [5, 3, 4],
    );
  });

  it('goes on after every kind of failure, and tells of each once', async (t) => {
    const faults: ScriptedAnswer[] = [
      { status: 400, text: 'bad request' },
      { status: 400, text: 'bad request' },
      'drop',
      { status: 500, text: 'No cluster leader' },
      { status: 403, text: 'Permission denied' },
      { status: 200, text: 'not JSON' },
    ];
    const { changes, reached } = await watching(t, inTurn(holding(1, 7), ...faults, holding(2, 8)));
    await until('two changes were told', () => changes.length === 2);
    const told = reached.map((each) =>
      each === true ? 'reachable' : (each as Error & { failure: string }).failure,
    );
    assert.deepEqual(told, [
      'reachable',
      'rejected',
      'broken',
      'no-leader',
      'denied',
      'malformed',
      'reachable',
    ]);
  });

  it('has a deadline of its own for a query that nobody answers', async (t) => {
    const { server, reached } = await watching(t, inTurn(holding(1, 7)), 500);
    await until('3 queries came', () => server.requests.length >= 3);
    assert.ok(reached.length >= 2 && reached[1] instanceof Error);
    assert.match(reached[1].message, /no answer in 713 ms/);
  });

  it('reports a malformed register as such, never as absent, and sees it mended', async (t) => {
    const malformed = { status: 200, json: [{ Key: key, Value: base64('{}'), ModifyIndex: 8 }], index: 8 };
    const { changes, reached } = await watching(t, inTurn(holding(1, 7), malformed, holding(2, 9)));
    await until('two changes were told', () => changes.length === 2);
    assert.ok(reached[1] instanceof RegisterMalformed);
    assert.equal(reached[2], true);
    assert.deepEqual(
      changes.map(({ value }) => value?.revision),
      [1, 2],
    );
  });

  it('ends with its signal, in the middle of a query too', async (t) => {
    const { server, changes, reached, end } = await watching(t, inTurn(holding(1, 7)));
    await until('2 queries came', () => server.requests.length === 2);
    end.abort();
    const asked = server.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 4 * timings.waitMs));
    assert.deepEqual([server.requests.length, changes.length, reached], [asked, 1, [true]]);
  });
});
