// A real Consul as one that is open to nobody: access control that denies by default, and an HTTPS API with a certificate of the
// given authority. Policies and tokens are made past the code under test.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsulVersion } from '../../src/stack/consul-binary.ts';
import { freePorts } from '../../src/stack/consul-ports.ts';
import { type Authority, putFile, putPair } from './authority.ts';
import { testConsul } from './consul.ts';
import { eventually } from './eventually.ts';

const MANAGEMENT = '0b5f8c1e-6a57-4d0f-9e1e-2f3a4b5c6d7e';

export interface AclToken {
  readonly accessor: string;
  readonly secret: string;
}

export interface SecureConsul {
  /** https:// */
  readonly url: string;
  /** A call of its API with all rights; null for 404. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A token with these rules, in HCL, and no others. */
  token(rules: string): Promise<AclToken>;
  revoke(token: AclToken): Promise<void>;
}

const POLICY_PAGE = 'how-to/secure.md';

/** The rules that the pages tell operators to give a logger of this cluster, one for each entry. */
export async function documentedRules(cluster: string, on = POLICY_PAGE): Promise<string[]> {
  const page = await readFile(new URL(`../../docs/${on}`, import.meta.url), 'utf8');
  const policy = /```hcl\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(policy, `docs/${on} has a policy in HCL`);
  return policy.replaceAll('CLUSTER', cluster).match(/^\w[^}]*\}/gm) ?? [];
}

export function aclSettings({ major, minor }: ConsulVersion): Readonly<Record<string, unknown>> {
  const isOld = major === 1 && minor < 11;
  const tokens = { [isOld ? 'master' : 'initial_management']: MANAGEMENT };
  return { acl: { enabled: true, default_policy: 'deny', tokens } };
}

function tlsSettings({ major, minor }: ConsulVersion, files: Readonly<Record<string, string>>) {
  const isOld = major === 1 && minor < 12;
  return isOld ? files : { tls: { https: files } };
}

export async function secureConsul(
  owner: Parameters<typeof testConsul>[0],
  authority: Authority,
): Promise<SecureConsul> {
  const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-consul-tls-'));
  owner.after(() => rm(directory, { recursive: true, force: true }));
  const { certFile, keyFile } = await putPair(directory, 'consul', await authority.certificate('consul'));
  await putFile(join(directory, 'ca.crt'), authority.ca);
  const files = { ca_file: join(directory, 'ca.crt'), cert_file: certFile, key_file: keyFile };
  const [port] = await freePorts(1);
  const cluster = await testConsul(owner, {
    extraFor: (version) => ({
      ...aclSettings(version),
      ...tlsSettings(version, files),
      ports: { https: port },
    }),
  });
  const call = callOf(cluster.urls[0] as string);
  await eventually('access control is ready', () => call('GET', '/acl/policies').catch(() => null));
  let policies = 0;
  return {
    url: `https://127.0.0.1:${port}`,
    call,
    async token(rules) {
      policies += 1;
      const Name = `policy-${policies}`;
      await call('PUT', '/acl/policy', { Name, Rules: rules });
      const made = await call('PUT', '/acl/token', { Policies: [{ Name }] });
      const { AccessorID: accessor, SecretID: secret } = made as { AccessorID: string; SecretID: string };
      return { accessor, secret };
    },
    revoke: async ({ accessor }) => void (await call('DELETE', `/acl/token/${accessor}`)),
  };
}

const callOf =
  (url: string): SecureConsul['call'] =>
  async (method, path, body) => {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: { 'x-consul-token': MANAGEMENT },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok || response.status === 404, `${method} ${path}: ${response.status} ${text}`);
    return response.status === 404 || text === '' ? null : JSON.parse(text);
  };
