// The chart's program that keeps Consul's policy and tokens, run as it is against a real Consul with access control.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { freePorts } from '../../../src/stack/consul-ports.ts';
import { testConsul } from '../../support/consul.ts';
import { eventually } from '../../support/eventually.ts';
import { get } from '../../support/manifests.ts';
import { render } from '../../support/tools.ts';

const RETIRE_MS = 3_000;
const NAME = 'distributed-logger';

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function call(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const headers = token === '' ? {} : { 'x-consul-token': token };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${url}/v1/${path}`, { method, headers, ...sent });
  return { status: answer.status, body: await answer.text() };
}

/** The files of the chart's ConfigMap, in a directory. */
async function unpack(directory: string): Promise<string> {
  const acl = { managementSecret: { name: 'management' } };
  const objects = await render({ values: { consul: { acl, tokenSecret: { name: 'loggers' } } } });
  const { data } = get(objects, 'ConfigMap', `${NAME}-acl`) as unknown as { data: Record<string, string> };
  for (const [name, content] of Object.entries(data)) await writeFile(join(directory, name), content);
  return data['policy.hcl'] ?? '';
}

/** Starts the program; its output, and whether it says that all is as it should be. */
function start(test: TestContext, directory: string, environment: Record<string, string>, port: number) {
  const child = spawn(process.execPath, [join(directory, 'consul-acl.mjs')], {
    env: {
      ...process.env,
      ...environment,
      PORT: String(port),
      EVERY_MS: '100',
      RETIRE_MS: String(RETIRE_MS),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => void said.push(chunk.toString()));
  const ended = once(child, 'exit');
  test.after(async () => {
    child.kill();
    await ended;
  });
  const ready = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null); // it may not listen yet
    return answer?.status === 200;
  };
  return { said: () => said.join(''), ready };
}

describe('the chart’s keeper of Consul’s access control', () => {
  it('makes the loggers’ token with their policy alone, replaces it, and mends what others change', async (test) => {
    const management = randomUUID();
    const acl = { enabled: true, default_policy: 'deny', tokens: { initial_management: management } };
    const older = { ...acl, tokens: { master: management } };
    const consul = await testConsul(test, {
      extraFor: ({ major, minor }) => ({ acl: major > 1 || minor >= 11 ? acl : older }),
    });
    const [url] = consul.urls as [string];
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-acl-'));
    test.after(() => rm(directory, { recursive: true, force: true }));
    const policy = await unpack(directory);
    const tokens = join(directory, 'tokens');
    await mkdir(tokens);
    await writeFile(join(directory, 'management'), `${management}\n`);
    const [first, second] = [randomUUID(), randomUUID()];
    await writeFile(join(tokens, 'token'), `${first}\n`);

    const key = `kv/distributed-logger/${NAME}/leader`;
    const writes = async (token: string): Promise<number> => (await call(url, token, 'PUT', key)).status;
    assert.equal(await writes(first), 403);
    assert.equal(await writes(''), 403);

    const [port] = (await freePorts(1)) as [number];
    const environment = {
      CONSUL_URLS: `http://127.0.0.1:1,${url}`,
      MANAGEMENT_TOKEN_FILE: join(directory, 'management'),
      TOKENS_DIR: tokens,
      TOKEN_KEY: 'token',
      POLICY: NAME,
      POLICY_FILE: join(directory, 'policy.hcl'),
    };
    const keeper = start(test, directory, environment, port);
    await eventually('all is as it should be', keeper.ready);
    assert.equal(await writes(first), 200);
    assert.equal((await call(url, first, 'PUT', 'kv/other')).status, 403);
    assert.equal((await call(url, first, 'GET', 'acl/tokens')).status, 403);
    const self = JSON.parse((await call(url, first, 'GET', 'acl/token/self')).body) as {
      AccessorID: string;
      Policies: { ID: string; Name: string }[];
    };
    assert.deepEqual(
      self.Policies.map(({ Name }) => Name),
      [NAME],
    );

    // As a token is replaced: the new one is made known, then used, and the old one goes after a while.
    await writeFile(join(tokens, 'token.next'), second);
    await eventually('the next token is known', async () => (await writes(second)) === 200);
    await rm(join(tokens, 'token.next'));
    await writeFile(join(tokens, 'token'), second);
    assert.equal(await writes(first), 200, 'the old token lives on while loggers may present it');
    await eventually('the old token is gone', async () => (await writes(first)) === 403);
    assert.equal(await writes(second), 200);

    const policyId = self.Policies[0]?.ID ?? '';
    const wider = { ID: policyId, Name: NAME, Rules: 'key_prefix "" { policy = "write" }' };
    assert.equal((await call(url, management, 'PUT', `acl/policy/${policyId}`, wider)).status, 200);
    await eventually('the policy is the chart’s again', async () => {
      const { body } = await call(url, management, 'GET', `acl/policy/${policyId}`);
      return (JSON.parse(body) as { Rules: string }).Rules === policy;
    });

    const known = JSON.parse((await call(url, management, 'GET', `acl/tokens?policy=${policyId}`)).body) as {
      AccessorID: string;
    }[];
    assert.equal(known.length, 1);
    await call(url, management, 'DELETE', `acl/token/${known[0]?.AccessorID}`);
    await eventually('a deleted token is made again', async () => (await writes(second)) === 200);

    await writeFile(join(tokens, 'token'), 'not-a-uuid');
    await eventually('the trouble shows', async () => !(await keeper.ready()));
    assert.match(keeper.said(), /token is no UUID/);
    for (const secret of [first, second, management, 'not-a-uuid'])
      assert.ok(!keeper.said().includes(secret), 'no secret is printed');
  });

  it('keeps the policy that the page on Consul tells operators to use', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-acl-'));
    test.after(() => rm(directory, { recursive: true, force: true }));
    const page = await readFile('docs/internals/consul.md', 'utf8');
    const documented = /```hcl\n([\s\S]*?)```/.exec(page)?.[1]?.replaceAll('CLUSTER', NAME);
    assert.equal(await unpack(directory), documented);
  });
});
