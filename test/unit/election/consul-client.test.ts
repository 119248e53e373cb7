import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CallOptions, CallReport } from '../../../src/election/client.ts';
import { createConsulClient } from '../../../src/election/consul-client.ts';
import { ConsulError } from '../../../src/election/errors.ts';
import { deadUrl, type Script, type ScriptedServer, scriptedServer } from './scripted-server.ts';
import { base64, OPEN } from './values.ts';

const read: CallOptions = { operation: 'register_read', timeoutMs: 10_000 };
/** Waited out at a silent server, and still ample for one that answers. */
const impatient: CallOptions = { operation: 'register_read', timeoutMs: 1000 };
const found = { LockIndex: 1, Key: 'a/key', Flags: 0, Value: base64('text'), CreateIndex: 5, ModifyIndex: 7 };

async function setUp(t: TestContext, ...scripts: Script[]) {
  const servers: ScriptedServer[] = [];
  for (const script of scripts) servers.push(await scriptedServer(t, script));
  const calls: CallReport[] = [];
  const client = createConsulClient({
    urls: servers.map(({ url }) => url),
    ...OPEN,
    token: () => 'secret',
    onCall: (report) => calls.push(report),
  });
  t.after(() => client.close());
  return { servers, calls, client };
}

const failsWith = (failure: string, maybeDone: boolean) => (error: Error) => {
  assert.ok(error instanceof ConsulError, String(error));
  assert.deepEqual({ failure: error.failure, maybeDone: error.maybeDone }, { failure, maybeDone });
  return true;
};

describe('reading a key', () => {
  it('asks consistently, with the token, and decodes value, index and session', async (t) => {
    const { client, servers } = await setUp(t, () => ({
      status: 200,
      json: [{ ...found, Session: 's1' }],
      index: 9,
    }));
    assert.deepEqual(await client.key('a/key', read), {
      pair: { value: 'text', modifyIndex: 7, session: 's1' },
      index: 9,
    });
    const [request] = servers[0]?.requests ?? [];
    assert.equal(request?.path, '/kv/a/key');
    assert.equal(request?.query.get('consistent'), '1');
    assert.equal(request?.query.has('index'), false);
    assert.equal(request?.headers['x-consul-token'], 'secret');
  });

  it('blocks on an index when asked to', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 200, json: [found], index: 9 }));
    await client.key('a/key', { ...read, wait: { index: 8, ms: 5000 } });
    const query = servers[0]?.requests[0]?.query;
    assert.deepEqual([query?.get('index'), query?.get('wait')], ['8', '5000ms']);
  });

  it('takes only a 404 with an index for "there is no such key"', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 404, index: 3 }));
    assert.deepEqual(await client.key('a/key', read), { pair: null, index: 3 });
    const [server] = servers as [ScriptedServer];
    for (const answer of [
      { status: 404, text: 'a proxy knows no such page' },
      { status: 200, text: '<html>maintenance</html>', index: 3 },
      { status: 200, json: [], index: 3 },
      { status: 200, json: [{ ...found, Key: 'another/key' }], index: 3 },
      { status: 200, json: [{ ...found, ModifyIndex: 'seven' }], index: 3 },
      { status: 200, json: [found] },
    ]) {
      server.script = () => answer;
      await assert.rejects(client.key('a/key', read), failsWith('malformed', false), JSON.stringify(answer));
    }
  });

  it('takes an answer over which the package itself stumbles for malformed, and lives on', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 200, json: [found], index: 9 }));
    const [server] = servers as [ScriptedServer];
    for (const json of [[null], [{ ...found, hasOwnProperty: 1 }]]) {
      server.script = () => ({ status: 200, json, index: 9 });
      // It throws out of an event of the connection: the call would never end, and the process would.
      await assert.rejects(
        client.key('a/key', impatient),
        failsWith('malformed', true),
        JSON.stringify(json),
      );
    }
  });

  it('reads an empty value as empty, not as absent', async (t) => {
    const { client } = await setUp(t, () => ({ status: 200, json: [{ ...found, Value: null }], index: 9 }));
    assert.equal((await client.key('a/key', read)).pair?.value, '');
  });
});

describe('failures', { concurrency: true }, () => {
  it('has a deadline for silence and for a body that breaks off', async (t) => {
    const { client, servers } = await setUp(t, () => 'hang');
    await assert.rejects(client.key('a/key', impatient), failsWith('timeout', true));
    (servers[0] as ScriptedServer).script = () => 'half';
    await assert.rejects(client.key('a/key', impatient), failsWith('timeout', true));
  });

  it('tells what was never sent from what may have been done', async (t) => {
    const { client } = await setUp(t, () => 'drop');
    await assert.rejects(client.destroySession('s1', read), failsWith('broken', true));
    const dead = createConsulClient({ urls: [await deadUrl()], ...OPEN });
    t.after(() => dead.close());
    await assert.rejects(dead.destroySession('s1', read), failsWith('unreachable', false));
    assert.equal(dead.reachability.reachable, false);
    assert.match(dead.reachability.error ?? '', /ECONNREFUSED/);
  });

  it('ends at once when the caller gives up, and asks no other server', async (t) => {
    const { client, servers, calls } = await setUp(
      t,
      () => 'hang',
      () => ({ status: 404, index: 1 }),
    );
    const giveUp = new AbortController();
    const answer = client.key('a/key', { ...read, timeoutMs: 60_000, signal: giveUp.signal });
    while (servers[0]?.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    giveUp.abort();
    await assert.rejects(answer, failsWith('cancelled', true));
    await assert.rejects(
      client.key('a/key', { ...read, signal: giveUp.signal }),
      failsWith('cancelled', true),
    );
    assert.deepEqual([servers[1]?.requests.length, calls.length], [0, 0]);
  });

  it('does not carry a refused token from server to server', async (t) => {
    const denied: Script = () => ({ status: 403, text: 'Permission denied' });
    const { client, servers } = await setUp(t, denied, denied);
    await assert.rejects(client.key('a/key', read), failsWith('denied', false));
    assert.equal(servers[1]?.requests.length, 0);
    assert.deepEqual([client.reachability.reachable, client.reachability.address], [true, servers[0]?.url]);
    assert.match(client.reachability.error ?? '', /Permission denied/);
  });
});

describe('several servers', { concurrency: true }, () => {
  const works: Script = () => ({ status: 200, json: [found], index: 9 });

  it('moves on from silence, a broken connection and a server without a leader, and stays where it works', async (t) => {
    for (const fault of ['hang', 'drop', { status: 500, text: 'No cluster leader' }] as const) {
      const { client, servers, calls } = await setUp(t, () => fault, works);
      for (let round = 0; round < 3; round++) await client.key('a/key', impatient);
      assert.deepEqual(
        servers.map(({ requests }) => requests.length),
        [1, 3],
      );
      assert.deepEqual(
        calls.map(({ ok, server }) => [ok, server]),
        [false, true, true, true].map((ok) => [ok, servers[ok ? 1 : 0]?.url]),
      );
      assert.ok(calls.every(({ seconds, operation }) => seconds >= 0 && operation === 'register_read'));
      assert.deepEqual(client.reachability, { reachable: true, address: servers[1]?.url, error: null });
    }
  });

  it('asks each once and names all that failed', async (t) => {
    const { client, servers } = await setUp(
      t,
      () => ({ status: 500, text: 'No cluster leader' }),
      () => ({ status: 503, text: 'busy' }),
    );
    await assert.rejects(client.key('a/key', read), (error: ConsulError) => {
      assert.deepEqual([error.failure, error.maybeDone], ['server-error', true]);
      for (const { url } of servers) assert.ok(error.message.includes(url), error.message);
      return true;
    });
    assert.equal(client.reachability.reachable, false);
  });

  it('knows that nothing was done when no server has a leader', async (t) => {
    const leaderless: Script = () => ({ status: 500, text: 'No cluster leader' });
    const { client } = await setUp(t, leaderless, leaderless);
    const renewal = client.renewSession('s1', { ...read, operation: 'session_renew' });
    await assert.rejects(renewal, failsWith('no-leader', false));
  });
});

describe('transactions', () => {
  const operations = [{ KV: { Verb: 'check-index', Key: 'a/key', Index: 7 } }] as const;
  const refused = { Results: null, Errors: [{ OpIndex: 0, What: 'failed index check' }] };

  it('sends the operations as they are and answers with the last index', async (t) => {
    const results = [{ KV: { ModifyIndex: 7 } }, { KV: { ModifyIndex: 12 } }];
    const { client, servers } = await setUp(t, () => ({
      status: 200,
      json: { Results: results, Errors: null },
    }));
    assert.deepEqual(await client.transact(operations, read), { kind: 'committed', modifyIndex: 12 });
    const [request] = servers[0]?.requests ?? [];
    assert.deepEqual([request?.method, request?.path, request?.body], ['PUT', '/txn', operations]);
  });

  it('reports why it was rolled back, and the doubt that an earlier attempt leaves', async (t) => {
    const { client } = await setUp(t, () => ({ status: 409, json: refused }));
    const errors = [{ operation: 0, what: 'failed index check' }];
    assert.deepEqual(await client.transact(operations, read), { kind: 'rolled-back', errors, doubt: null });
    const doubtful = await setUp(
      t,
      () => 'hang',
      () => ({ status: 409, json: refused }),
    );
    const outcome = await doubtful.client.transact(operations, impatient);
    assert.ok(outcome.kind === 'rolled-back' && outcome.doubt?.failure === 'timeout');
  });

  it('takes an answer that is no transaction for unknown', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 200, text: 'fine' }));
    await assert.rejects(client.transact(operations, read), failsWith('malformed', true));
    (servers[0] as ScriptedServer).script = () => ({ status: 409, text: 'conflict' });
    await assert.rejects(client.transact(operations, read), failsWith('malformed', true));
  });
});

describe('sessions and nodes', () => {
  it('creates a session without checks and without lock delay', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 200, json: { ID: 's1' } }));
    const spec = { node: 'c-a', name: 'c-a', ttlMs: 10_000 };
    assert.equal(await client.createSession(spec, read), 's1');
    assert.deepEqual(servers[0]?.requests[0]?.body, {
      Node: 'c-a',
      Name: 'c-a',
      TTL: '10000ms',
      LockDelay: '0s',
      Behavior: 'release',
      Checks: [],
    });
  });

  it('renews with the TTL that is granted, and takes only a 404 for the end', async (t) => {
    const { client, servers } = await setUp(t, () => ({ status: 200, json: [{ ID: 's1', TTL: '1m30s' }] }));
    assert.deepEqual(await client.renewSession('s1', read), { ttlMs: 90_000 });
    const [server] = servers as [ScriptedServer];
    server.script = () => ({ status: 404, text: "Session id 's1' not found" });
    assert.equal(await client.renewSession('s1', read), null);
    server.script = () => ({ status: 500, text: 'rpc error' });
    await assert.rejects(client.renewSession('s1', read), failsWith('server-error', true));
    server.script = () => ({ status: 200, json: [] });
    await assert.rejects(client.renewSession('s1', read), failsWith('malformed', true));
  });

  it('reads a node with its services, and null for none', async (t) => {
    const service = { ID: 'x', Service: 'x', Tags: [], Address: '', Port: 1, Meta: {} };
    const node = { Node: 'c-a', Address: '10.0.0.1', Meta: { k: 'v' }, ModifyIndex: 4 };
    const { client, servers } = await setUp(t, () => ({
      status: 200,
      json: { Node: node, Services: { x: service } },
    }));
    assert.deepEqual(await client.node('c-a', read), {
      address: '10.0.0.1',
      meta: { k: 'v' },
      modifyIndex: 4,
      services: [service],
    });
    (servers[0] as ScriptedServer).script = () => ({ status: 200, json: null });
    assert.equal(await client.node('c-a', read), null);
  });
});

describe('a catalog node', () => {
  const node = { Node: 'c-a', Address: 'h', Meta: { a: 'b' }, ModifyIndex: 5 };
  const options: CallOptions = { operation: 'catalog_read', timeoutMs: 10_000 };

  it('is taken with services, without any, and with the nulls that Consul writes for what is empty', async (t) => {
    const service = { ID: 's', Service: 's', Tags: null, Address: '', Port: 1, Meta: null };
    for (const [services, count] of [
      [{ s: service }, 1],
      [{}, 0],
      [null, 0],
    ] as const) {
      const { client } = await setUp(t, () => ({ status: 200, json: { Node: node, Services: services } }));
      assert.equal((await client.node('c-a', options))?.services.length, count);
    }
  });

  it('is malformed when meta or a service is not what it should be', async (t) => {
    for (const json of [
      { Node: { ...node, Meta: { a: 5 } }, Services: {} },
      { Node: { ...node, Meta: 'x' }, Services: {} },
      { Node: node, Services: { s: null } },
      { Node: node, Services: { s: { ID: 's', Tags: 5 } } },
      { Node: node, Services: 'x' },
    ]) {
      const { client } = await setUp(t, () => ({ status: 200, json }));
      await assert.rejects(client.node('c-a', options), failsWith('malformed', false));
    }
  });
});

it('a password in a URL is used, and shown nowhere', async (t) => {
  const server = await scriptedServer(t, () => ({ status: 200, json: [found], index: 7 }));
  const withPassword = server.url.replace('http://', 'http://user:secret@');
  const gone = (await deadUrl()).replace('http://', 'http://user:secret@');
  const calls: CallReport[] = [];
  const client = createConsulClient({
    urls: [gone, withPassword],
    ...OPEN,
    onCall: (report) => calls.push(report),
  });
  t.after(() => client.close());
  await client.key('a/key', read);
  assert.equal(client.reachability.address, server.url);
  assert.equal(calls.length, 2);
  const refused = createConsulClient({ urls: [gone], ...OPEN });
  t.after(() => refused.close());
  const error = await refused.key('a/key', read).catch((failure: Error) => failure.message);
  for (const text of [JSON.stringify(calls), String(error), JSON.stringify(refused.reachability)])
    assert.doesNotMatch(text, /secret/);
});
