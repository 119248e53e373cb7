// The stack with values-secure.yaml, asked from a client pod inside the cluster, by TLS and with a token.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { eventually } from './cluster.ts';
import { type Answer, ClientPod } from './kube-client-pod.ts';
import { assertExactlyOnce, longestGapMs, numbersOf } from './kube-numbers.ts';
import { type KubeSecrets, tlsSecret, USES } from './kube-secrets.ts';
import { CHART, defaults, IMAGE, NAME, RECOVERY_MS, type Row, type Stack } from './kube-stack.ts';
import { merged, type Values } from './values.ts';

const PROGRESS = 20;
const LOGGERS = 3;
export const API_PORT = 8080;
export const CONSUL_PORT = 8501;
export const RESTRICTED = 'pod-security.kubernetes.io/enforce=restricted';

export const secureValues = async (): Promise<Values> =>
  merged(parse(await readFile(`${CHART}/values-secure.yaml`, 'utf8')) as Values, defaults);

export class SecureStack {
  readonly stack: Stack;
  readonly secrets: KubeSecrets;
  readonly client: ClientPod;

  private constructor(stack: Stack, secrets: KubeSecrets, client: ClientPod) {
    this.stack = stack;
    this.secrets = secrets;
    this.client = client;
  }

  /** Starts the client pod beside a stack that has these Secrets. */
  static async of(stack: Stack, secrets: KubeSecrets): Promise<SecureStack> {
    const labels = { 'distributed-logger/client': NAME };
    const trusted = Object.fromEntries(USES.map((use) => [use, tlsSecret(use)]));
    return new SecureStack(
      stack,
      secrets,
      await ClientPod.start(stack.namespace, 'client', IMAGE, labels, trusted),
    );
  }

  #service(name: string): string {
    return `${name}.${this.stack.namespace.name}.svc`;
  }

  loggerHost(pod: string): string {
    return `${pod}.${this.#service(`${NAME}-headless`)}`;
  }

  loggerUrl(pod: string): string {
    return `https://${this.loggerHost(pod)}:${API_PORT}`;
  }

  get leaderUrl(): string {
    return `https://${this.#service(`${NAME}-leader`)}:${API_PORT}`;
  }

  get consulHost(): string {
    return `${NAME}-consul-0.${this.#service(`${NAME}-consul`)}`;
  }

  consul(token: string, path: string, method = 'GET'): Promise<Answer> {
    const url = `https://${this.consulHost}:${CONSUL_PORT}/v1/${path}`;
    const headers: Record<string, string> = token === '' ? {} : { 'x-consul-token': token };
    return this.client.call({ url, method, headers, ca: 'consul' });
  }

  /** The one pod with the leader's label, which leads by its own word in an epoch that is new enough. */
  agreedLeader(minEpoch = 1): Promise<{ name: string; epoch: number }> {
    return eventually(`a leader from epoch ${minEpoch} on`, RECOVERY_MS, async () => {
      const pods = await this.stack.loggers();
      const labelled = pods.filter(({ role }) => role === 'leader');
      assert.equal(labelled.length, 1, JSON.stringify(pods));
      const [{ name, epoch }] = labelled as [(typeof labelled)[0]];
      assert.ok(epoch >= minEpoch, `epoch ${epoch} is not new`);
      const status = await this.client.status(this.leaderUrl, this.secrets.client);
      assert.deepEqual([status.id, status.role, status.epoch], [name, 'leader', epoch]);
      return { name, epoch };
    });
  }

  async producerGoesOn(): Promise<void> {
    const { name } = await this.agreedLeader();
    const last = async (): Promise<number> => {
      const { offsets } = await this.client.status(this.loggerUrl(name), this.secrets.client);
      const from = Math.max(0, offsets.commit - PROGRESS);
      return numbersOf(await this.client.log(this.loggerUrl(name), this.secrets.client, from)).at(-1) ?? 0;
    };
    const goal = (await last()) + PROGRESS;
    await eventually(`number ${goal} is in the log`, RECOVERY_MS, async () =>
      (await last()) >= goal ? true : undefined,
    );
  }

  async everyNumberOnce(): Promise<number> {
    await eventually('all loggers are ready', RECOVERY_MS, async () =>
      (await this.stack.loggers()).filter(({ ready }) => ready).length === LOGGERS ? true : undefined,
    );
    const logs = new Map<string, readonly Row[]>();
    for (const { name } of await this.stack.loggers())
      logs.set(name, await this.client.log(this.loggerUrl(name), this.secrets.client));
    const count = assertExactlyOnce(logs);
    const longest = longestGapMs([...logs.values()][0] ?? []);
    console.log(`numbers 1 to ${count}, each once and in order; longest time between two: ${longest} ms`);
    return count;
  }

  async loseLeader(): Promise<void> {
    const old = await this.agreedLeader();
    await this.stack.namespace.kubectl(['delete', 'pod', old.name, '--wait=false']);
    await this.agreedLeader(old.epoch + 1);
    await this.producerGoesOn();
    await this.everyNumberOnce();
  }
}
