// The chart with values-secure.yaml in a namespace that enforces the restricted standard, with Secrets made on the spot: records
// flow, strangers are refused, a leader is lost, and tokens and certificates are replaced while all of it goes on. One story in order.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { eventually } from '../support/cluster.ts';
import { ClientPod } from '../support/kube-client-pod.ts';
import { assertExactlyOnce, longestGapMs, numbersOf } from '../support/kube-numbers.ts';
import { KubeSecrets, tlsSecret, USES } from '../support/kube-secrets.ts';
import {
  CHART,
  defaults,
  IMAGE,
  NAME,
  RECOVERY_MS,
  RELEASE,
  type Row,
  Stack,
} from '../support/kube-stack.ts';
import { merged } from '../support/values.ts';

const PROGRESS = 20;
const LEADER_PORT = 8080;
const PEER_PORT = 9090;
const BEAT_PORT = 9091;
const CONSUL_PORT = 8501;
const RESTRICTED = 'pod-security.kubernetes.io/enforce=restricted';
const KEY = `distributed-logger/${NAME}/leader`;

describe('the secured stack on a cluster', () => {
  let stack: Stack;
  let secrets: KubeSecrets;
  let client: ClientPod;
  let failed = false;
  let nudges = 0;

  const service = (name: string): string => `${name}.${stack.namespace.name}.svc`;
  const logger = (pod: string): string => `https://${pod}.${service(`${NAME}-headless`)}:${LEADER_PORT}`;
  const leaderUrl = (): string => `https://${service(`${NAME}-leader`)}:${LEADER_PORT}`;
  const apiHost = (): string => `${NAME}-0.${service(`${NAME}-headless`)}`;
  const consulHost = (): string => `${NAME}-consul-0.${service(`${NAME}-consul`)}`;

  const step = (name: string, body: () => Promise<void>) =>
    test(name, async (t) => {
      if (failed) return t.skip('the story broke before');
      try {
        await body();
      } catch (error) {
        failed = true;
        await stack.namespace.diagnose();
        throw error;
      }
    });

  before(async () => {
    const secure = parse(await readFile(`${CHART}/values-secure.yaml`, 'utf8')) as Record<string, unknown>;
    stack = await Stack.install(merged(secure, defaults), {
      prepare: async (namespace) => {
        await namespace.kubectl(['label', 'namespace', namespace.name, RESTRICTED]);
        secrets = await KubeSecrets.make(namespace, NAME);
      },
    });
    const labels = { 'distributed-logger/client': NAME };
    const trusted = Object.fromEntries(USES.map((use) => [use, tlsSecret(use)]));
    client = await ClientPod.start(stack.namespace, 'client', IMAGE, labels, trusted);
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  /** The one pod with the leader's label, which leads by its own word in an epoch that is new enough. */
  const agreedLeader = (minEpoch = 1): Promise<{ name: string; epoch: number }> =>
    eventually(`a leader from epoch ${minEpoch} on`, RECOVERY_MS, async () => {
      const pods = await stack.loggers();
      const labelled = pods.filter(({ role }) => role === 'leader');
      assert.equal(labelled.length, 1, JSON.stringify(pods));
      const [{ name, epoch }] = labelled as [(typeof labelled)[0]];
      assert.ok(epoch >= minEpoch, `epoch ${epoch} is not new`);
      const status = await client.status(leaderUrl(), secrets.client);
      assert.deepEqual([status.id, status.role, status.epoch], [name, 'leader', epoch]);
      return { name, epoch };
    });

  async function producerGoesOn(): Promise<void> {
    const { name } = await agreedLeader();
    const last = async (): Promise<number> => {
      const { offsets } = await client.status(logger(name), secrets.client);
      const rows = await client.log(logger(name), secrets.client, Math.max(0, offsets.commit - PROGRESS));
      return numbersOf(rows).at(-1) ?? 0;
    };
    const goal = (await last()) + PROGRESS;
    await eventually(`number ${goal} is in the log`, RECOVERY_MS, async () =>
      (await last()) >= goal ? true : undefined,
    );
  }

  async function everyNumberOnce(): Promise<void> {
    await eventually('all loggers are ready', RECOVERY_MS, async () =>
      (await stack.loggers()).filter(({ ready }) => ready).length === 3 ? true : undefined,
    );
    const logs = new Map<string, readonly Row[]>();
    for (const { name } of await stack.loggers())
      logs.set(name, await client.log(logger(name), secrets.client));
    const count = assertExactlyOnce(logs);
    const longest = longestGapMs([...logs.values()][0] ?? []);
    console.log(`numbers 1 to ${count}, each once and in order; longest time between two: ${longest} ms`);
  }

  async function loseLeader(): Promise<void> {
    const old = await agreedLeader();
    await stack.namespace.kubectl(['delete', 'pod', old.name, '--wait=false']);
    await agreedLeader(old.epoch + 1);
    await producerGoesOn();
    await everyNumberOnce();
  }

  /** Has the kubelet look at the pods' Secrets now rather than within a minute or two. */
  async function nudge(): Promise<void> {
    nudges += 1;
    const pods = ['--selector', `app.kubernetes.io/instance=${RELEASE}`, `example.com/nudge=${nudges}`];
    await stack.namespace.kubectl(['annotate', 'pods', '--overwrite', ...pods]);
  }

  /** Of the certificate that the first logger's API, or the first Consul server's, shows. */
  const serialOf = async (use: 'api' | 'consul'): Promise<string> => {
    const tls = use === 'api' ? `${apiHost()}:${LEADER_PORT}` : `${consulHost()}:${CONSUL_PORT}`;
    const { status, body } = await client.call({ tls, ca: use });
    assert.equal(status, 200, body);
    return body;
  };

  const consul = (token: string, path: string, method = 'GET') =>
    client.call({
      url: `https://${consulHost()}:${CONSUL_PORT}/v1/${path}`,
      method,
      headers: token === '' ? {} : { 'x-consul-token': token },
      ca: 'consul',
    });

  step('every pod is admitted under the restricted standard, and the producer’s numbers flow', async () => {
    await producerGoesOn();
    await everyNumberOnce();
    await stack.show(`installed with values-secure.yaml under ${RESTRICTED}`);
    const refused = stack.namespace.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'privileged' },
      spec: { containers: [{ name: 'a', image: IMAGE, securityContext: { privileged: true } }] },
    });
    await assert.rejects(refused, /violates PodSecurity/);
  });

  step('helm test passes, by TLS and with its token', async () => {
    assert.match(await stack.namespace.helm(['test', RELEASE, '--logs', '--timeout', '2m']), /read it back/);
  });

  step(
    'a stranger is refused by the API: without a token, with a wrong one, with another role, without TLS',
    async () => {
      const url = `${leaderUrl()}/api/v1/log`;
      const append = (headers: Record<string, string>) =>
        client.call({
          url,
          method: 'POST',
          headers: { 'content-type': 'text/plain', ...headers },
          body: 'x',
          ca: 'api',
        });
      const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
      assert.equal((await append({})).status, 401);
      assert.equal((await append(bearer(randomBytes(32).toString('hex')))).status, 401);
      assert.equal((await append(bearer(secrets.reader))).status, 403);
      assert.equal((await client.call({ url: `${leaderUrl()}/metrics`, ca: 'api' })).status, 401);
      assert.match(
        await client.api(`${leaderUrl()}/metrics`, secrets.metrics),
        /^distributed_logger_is_leader(\{[^}]*\})? 1$/m,
      );
      assert.equal((await client.call({ url: url.replace('https:', 'http:') })).status, 0);
      const distrusted = await client.call({ url, ca: 'peer' });
      assert.equal(distrusted.status, 0, 'the API’s certificate is of its own authority');
      const transfer = await client.call({
        url: `${leaderUrl()}/api/v1/leader/transfer`,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...bearer(secrets.client) },
        body: '{}',
        ca: 'api',
      });
      assert.equal(transfer.status, 403);
    },
  );

  step(
    'a stranger is refused by the peers’ ports without a certificate, and by Consul without a token',
    async () => {
      const host = `${NAME}-0.${service(`${NAME}-headless`)}`;
      for (const port of [PEER_PORT, BEAT_PORT])
        assert.equal((await client.call({ tls: `${host}:${port}`, ca: 'peer' })).status, 0, String(port));
      assert.equal((await consul('', `kv/${KEY}`)).status, 403);
      assert.equal((await consul(randomUUID(), `kv/${KEY}`)).status, 403);
      assert.equal((await consul(secrets.consulToken, `kv/${KEY}`)).status, 200);
      assert.equal((await consul(secrets.consulToken, 'kv/other', 'PUT')).status, 403);
      assert.equal((await consul(secrets.consulToken, 'acl/tokens')).status, 403);
      assert.equal((await client.call({ url: `http://${consulHost()}:8500/v1/status/leader` })).status, 0);
    },
  );

  step('a deleted leader is followed by another, by TLS all the way', loseLeader);

  step(
    'a token, the loggers’ Consul token and every certificate are replaced without a restart',
    async () => {
      const restarts = async () =>
        (await stack.loggers()).map(({ uid, restarts: count }) => `${uid} ${count}`);
      const before = {
        restarts: await restarts(),
        api: await serialOf('api'),
        consul: await serialOf('consul'),
      };
      const old = { reader: secrets.reader, consul: secrets.consulToken };
      secrets.reader = randomBytes(32).toString('hex');
      const next = randomUUID();
      await secrets.putTokens();
      await secrets.putConsulToken(next);
      for (const use of USES) await secrets.renew(use);
      await nudge();
      for (const use of ['api', 'consul'] as const)
        await eventually(`${use} shows its new certificate`, RECOVERY_MS, async () =>
          (await serialOf(use)) === before[use] ? undefined : true,
        );
      await client.api(`${logger(`${NAME}-0`)}/api/v1/status`, secrets.reader);
      const refused = await client.call({
        url: `${logger(`${NAME}-0`)}/api/v1/status`,
        headers: { authorization: `Bearer ${old.reader}` },
        ca: 'api',
      });
      assert.equal(refused.status, 401);
      await eventually('Consul knows the next token', RECOVERY_MS, async () =>
        (await consul(next, `kv/${KEY}`)).status === 200 ? true : undefined,
      );
      secrets.consulToken = next;
      await secrets.putConsulToken();
      await nudge();
      await producerGoesOn();
      assert.deepEqual(await restarts(), before.restarts);
      assert.equal((await consul(old.consul, `kv/${KEY}`)).status, 200, 'the old one lives on for a while');
    },
  );

  step('and then another leader is lost', loseLeader);

  step(
    'a pod without the label gets no further than a 401, whether the network enforces policies or not',
    async () => {
      const policies = await stack.namespace.get<{ items: { metadata: { name: string } }[] }>(
        'networkpolicies',
      );
      assert.deepEqual(policies.items.map(({ metadata }) => metadata.name.replace(NAME, '')).sort(), [
        '',
        '-acl',
        '-consul',
        '-producer',
      ]);
      const stranger = await ClientPod.start(
        stack.namespace,
        'stranger',
        IMAGE,
        {},
        { api: tlsSecret('api') },
      );
      const { status, body } = await stranger.call({ url: `${leaderUrl()}/api/v1/status`, ca: 'api' });
      console.log(
        status === 401 ? 'this network does not enforce NetworkPolicies' : `the network refuses: ${body}`,
      );
      assert.ok(
        status === 401 || (status === 0 && body === 'timeout') || body === 'ECONNREFUSED',
        `${status} ${body}`,
      );
    },
  );
});
