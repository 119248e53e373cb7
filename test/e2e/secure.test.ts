// The chart with values-secure.yaml in a namespace that enforces the restricted standard, with Secrets made on the spot: records
// flow, strangers are refused, a leader is lost, and tokens and certificates are replaced while all of it goes on. One story in order.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/cluster.ts';
import { ClientPod } from '../support/kube-client-pod.ts';
import { KubeSecrets, tlsSecret, USES } from '../support/kube-secrets.ts';
import {
  API_PORT,
  CONSUL_PORT,
  RESTRICTED,
  SecureStack,
  secureValues,
} from '../support/kube-secure-stack.ts';
import { CHART, IMAGE, NAME, RECOVERY_MS, RELEASE, Stack } from '../support/kube-stack.ts';
import { storySteps } from '../support/kube-story.ts';

const PEER_PORT = 9090;
const BEAT_PORT = 9091;
const FIRST = `${NAME}-0`;
const LOGGERS = 3;
const KEY = `distributed-logger/${NAME}/leader`;

describe('the secured stack on a cluster', () => {
  let stack: Stack;
  let secrets: KubeSecrets;
  let secure: SecureStack;
  let client: ClientPod;
  let nudges = 0;

  const step = storySteps(() => stack.namespace.diagnose());

  before(async () => {
    stack = await Stack.install(await secureValues(), {
      prepare: async (namespace) => {
        await namespace.kubectl(['label', 'namespace', namespace.name, RESTRICTED]);
        secrets = await KubeSecrets.make(namespace, NAME);
      },
    });
    secure = await SecureStack.of(stack, secrets);
    client = secure.client;
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  /** Has the kubelet look at the pods' Secrets now rather than within a minute or two. */
  async function nudge(): Promise<void> {
    nudges += 1;
    const pods = ['--selector', `app.kubernetes.io/instance=${RELEASE}`, `example.com/nudge=${nudges}`];
    await stack.namespace.kubectl(['annotate', 'pods', '--overwrite', ...pods]);
  }

  /** Of the certificate that the first logger's API, or the first Consul server's, shows. */
  const serialOf = async (use: 'api' | 'consul'): Promise<string> => {
    const tls =
      use === 'api' ? `${secure.loggerHost(FIRST)}:${API_PORT}` : `${secure.consulHost}:${CONSUL_PORT}`;
    const { status, body } = await client.call({ tls, ca: use });
    assert.equal(status, 200, body);
    return body;
  };

  step('every pod is admitted under the restricted standard, and the producer’s numbers flow', async () => {
    await secure.producerGoesOn();
    await secure.everyNumberOnce();
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
      const url = `${secure.leaderUrl}/api/v1/log`;
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
      assert.equal((await client.call({ url: `${secure.leaderUrl}/metrics`, ca: 'api' })).status, 401);
      assert.match(
        await client.api(`${secure.leaderUrl}/metrics`, secrets.metrics),
        /^distributed_logger_is_leader(\{[^}]*\})? 1$/m,
      );
      assert.equal((await client.call({ url: url.replace('https:', 'http:') })).status, 0);
      const distrusted = await client.call({ url, ca: 'peer' });
      assert.equal(distrusted.status, 0, 'the API’s certificate is of its own authority');
      const transfer = await client.call({
        url: `${secure.leaderUrl}/api/v1/leader/transfer`,
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
      for (const port of [PEER_PORT, BEAT_PORT]) {
        const { status, body } = await client.call({
          tls: `${secure.loggerHost(FIRST)}:${port}`,
          ca: 'peer',
        });
        assert.equal(status, 0, `${port} let it in`);
        assert.match(body, /CERTIFICATE_REQUIRED|ECONNRESET|closed/);
      }
      assert.equal((await secure.consul('', `kv/${KEY}`)).status, 403);
      assert.equal((await secure.consul(randomUUID(), `kv/${KEY}`)).status, 403);
      assert.equal((await secure.consul(secrets.consulToken, `kv/${KEY}`)).status, 200);
      assert.equal((await secure.consul(secrets.consulToken, 'kv/other', 'PUT')).status, 403);
      assert.equal((await secure.consul(secrets.consulToken, 'acl/tokens')).status, 403);
      assert.equal(
        (await client.call({ url: `http://${secure.consulHost}:8500/v1/status/leader` })).status,
        0,
      );
    },
  );

  step('a deleted leader is followed by another, by TLS all the way', () => secure.loseLeader());

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
      await client.api(`${secure.loggerUrl(FIRST)}/api/v1/status`, secrets.reader);
      const refused = await client.call({
        url: `${secure.loggerUrl(FIRST)}/api/v1/status`,
        headers: { authorization: `Bearer ${old.reader}` },
        ca: 'api',
      });
      assert.equal(refused.status, 401);
      await eventually('Consul knows the next token', RECOVERY_MS, async () =>
        (await secure.consul(next, `kv/${KEY}`)).status === 200 ? true : undefined,
      );
      secrets.consulToken = next;
      await secrets.putConsulToken();
      await nudge();
      await secure.producerGoesOn();
      assert.deepEqual(await restarts(), before.restarts);
      assert.equal(
        (await secure.consul(old.consul, `kv/${KEY}`)).status,
        200,
        'the old one lives on for a while',
      );
    },
  );

  step('and then another leader is lost', () => secure.loseLeader());

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
      const { status, body } = await stranger.call({ url: `${secure.leaderUrl}/api/v1/status`, ca: 'api' });
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

describe('security, turned on for a cluster that runs', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.install();
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test('all of it at once, by the steps of the how-to: the log goes on where it was', async () => {
    try {
      const old = await stack.agreedLeader();
      const rows = await eventually('the log has records', RECOVERY_MS, async () => {
        const log = await stack.log(old.name);
        return log.length > 0 ? log : undefined;
      });
      // The members stand in the register by their short names until a leader of the new settings changes that.
      const short = Array.from({ length: LOGGERS }, (_, index) => `${NAME}-${index}.${NAME}-headless`);
      const secrets = await KubeSecrets.make(stack.namespace, NAME, short);
      // Until the pods are gone too: Kubernetes may not come back to a name that was taken when the new set first wanted it.
      const all = ['delete', '--cascade=foreground', stack.loggerSet, stack.consulSet];
      await stack.namespace.kubectl(all, { timeoutMs: RECOVERY_MS });
      const upgrade = ['upgrade', RELEASE, CHART, '--reset-then-reuse-values', '--values', '-'];
      const input = JSON.stringify(await secureValues());
      await stack.namespace.helm([...upgrade, '--wait', '--timeout', '4m'], { input, timeoutMs: 250_000 });
      const secure = await SecureStack.of(stack, secrets);
      const leader = await secure.agreedLeader(old.epoch + 1);
      const kept = await secure.client.log(secure.loggerUrl(leader.name), secrets.client);
      assert.deepEqual(kept.slice(0, rows.length), rows);
      await secure.producerGoesOn();
      await secure.everyNumberOnce();
      // A leader mends the others' addresses in the register, and its own is mended by the next one.
      await secure.loseLeader();
      await eventually('the register has every member by its long name', RECOVERY_MS, async () => {
        const register = await secure.consul(secrets.consulToken, `kv/distributed-logger/${NAME}/leader?raw`);
        const { members } = JSON.parse(register.body) as { members: { peer: string }[] };
        assert.equal(members.length, LOGGERS);
        for (const { peer } of members) assert.match(peer, /\.svc:9090$/);
        return true;
      });
    } catch (error) {
      await stack.namespace.diagnose();
      throw error;
    }
  });
});
