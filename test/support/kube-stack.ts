// The whole stack on a cluster, installed from the chart into a namespace of its own, and what a test asks of it.
import assert from 'node:assert/strict';
import type { Status } from '../../src/api/index.ts';
import { EPOCH_ANNOTATION, ROLE_LABEL } from '../../src/kubernetes/index.ts';
import { eventually, isReady, Namespace } from './cluster.ts';
import { signalContainer } from './kube-kill.ts';

export const IMAGE = process.env.IMAGE || 'distributed-logger:e2e';
/** Wide enough for a Consul session that runs out and for pods that start on a slow machine. */
export const RECOVERY_MS = 180_000;
export const RELEASE = 'dlog';
export const NAME = 'dlog-distributed-logger';
export const LOGGERS = 'app.kubernetes.io/component=logger';
export const CONSUL = 'app.kubernetes.io/component=consul';
export const API_PORT = 8080;
const CONSUL_PORT = 8500;
const PAGE_RECORDS = 1000;
export const CHART = 'charts/distributed-logger';
const IN_POD_TIMEOUT_MS = 3000;

const small = (memory: string) => ({ requests: { cpu: '20m', memory }, limits: { memory: '512Mi' } });

/** Small and quick: everything else is as the chart has it. */
export const defaults = {
  image: { repository: IMAGE.replace(/:[^:/]*$/, ''), tag: /:([^:/]*)$/.exec(IMAGE)?.[1] ?? 'latest' },
  logger: { resources: small('128Mi'), persistence: { size: '256Mi' }, minReadySeconds: 1 },
  producer: { rate: 20, resources: small('64Mi') },
  consul: { resources: small('64Mi'), persistence: { size: '256Mi' } },
};

export interface LoggerPod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly role: string | null;
  readonly epoch: number;
  readonly ready: boolean;
  readonly restarts: number;
}

export interface Row {
  readonly offset: number;
  /** Milliseconds since 1970, from the leader that took the record. */
  readonly timestamp: number;
  readonly epoch: number;
  readonly value: string;
}

interface Pod {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec: { nodeName?: string };
  status: { podIP?: string; containerStatuses?: { ready: boolean; restartCount: number }[] };
}

export interface InstallOptions {
  readonly chart?: string;
  /** Makes what must be in the namespace before the chart is installed. */
  readonly prepare?: (namespace: Namespace) => Promise<void>;
}

export class Stack implements AsyncDisposable {
  readonly namespace: Namespace;

  private constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** `values` stand beside the suite's own, top-level name by name, and win over them. */
  static async install(values: object = {}, options: InstallOptions = {}): Promise<Stack> {
    const { chart = CHART, prepare = async () => {} } = options;
    const namespace = await Namespace.create('dlog');
    const stack = new Stack(namespace);
    try {
      await prepare(namespace);
      // With a node missing two Consul servers may share one, and its loss would be more than Consul can bear.
      await namespace.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=120s']);
      const args = ['install', RELEASE, chart, '--values', '-', '--wait', '--timeout', '5m'];
      const input = JSON.stringify({ ...defaults, ...values });
      console.log(await namespace.helm(args, { input, timeoutMs: 330_000 }));
      return stack;
    } catch (error) {
      await namespace.diagnose();
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
  }

  show(title: string): Promise<void> {
    return this.namespace.show(title, LOGGERS);
  }

  async loggers(): Promise<LoggerPod[]> {
    const pods = await this.namespace.pods<Pod>(LOGGERS);
    return pods.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      node: spec.nodeName ?? '',
      role: metadata.labels[ROLE_LABEL] ?? null,
      epoch: Number(metadata.annotations?.[EPOCH_ANNOTATION] ?? 0),
      ready: isReady({ metadata, status }),
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    }));
  }

  async status(pod: string): Promise<Status> {
    return JSON.parse(await this.namespace.httpGet(pod, API_PORT, '/api/v1/status')) as Status;
  }

  /** The status that the leader Service answers with, asked from inside the cluster by way of DNS and the node's routes. */
  async statusByService(from: string): Promise<Status> {
    const url = `http://${NAME}-leader:${API_PORT}/api/v1/status`;
    const ask = `fetch('${url}', { signal: AbortSignal.timeout(${IN_POD_TIMEOUT_MS}) })
      .then((answer) => answer.text()).then(console.log)`;
    return JSON.parse(
      await this.namespace.kubectl(['exec', from, '--', '/nodejs/bin/node', '-e', ask]),
    ) as Status;
  }

  /**
   * Waits until all agree on one leader: exactly one pod carries the label, under the epoch that this pod leads by its own
   * word, and the leader Service answers from it. `minEpoch` is the least epoch that counts.
   */
  agreedLeader(minEpoch = 1): Promise<LoggerPod> {
    return eventually(`all agree on one leader from epoch ${minEpoch} on`, RECOVERY_MS, async () => {
      const pods = await this.loggers();
      const labelled = pods.filter(({ role }) => role === 'leader');
      assert.equal(labelled.length, 1, JSON.stringify(pods));
      const [leader] = labelled as [LoggerPod];
      assert.ok(leader.epoch >= minEpoch, `epoch ${leader.epoch} is not new`);
      const own = await this.status(leader.name);
      assert.deepEqual([own.role, own.epoch], ['leader', leader.epoch]);
      const served = await this.#servedTo(pods.filter(({ name }) => name !== leader.name));
      assert.deepEqual([served.id, served.role], [leader.name, 'leader']);
      return leader;
    });
  }

  /** What the first of `askers` that can be reached is answered by the leader Service; some may be on a node that is away. */
  async #servedTo(askers: readonly LoggerPod[]): Promise<Status> {
    const failures: unknown[] = [];
    for (const { name } of askers) {
      try {
        return await this.statusByService(name);
      } catch (error) {
        failures.push(error);
      }
    }
    throw new AggregateError(failures, 'no logger gets an answer from the leader Service');
  }

  /** The committed records of one logger, from its first on. */
  async log(pod: string): Promise<Row[]> {
    const { offsets } = await this.status(pod);
    const rows: Row[] = [];
    for (let offset = offsets.first; offset < offsets.commit; offset = rows.at(-1)!.offset + 1) {
      const text = await this.namespace.httpGet(
        pod,
        API_PORT,
        `/api/v1/log?offset=${offset}&limit=${PAGE_RECORDS}`,
      );
      const page = text.split('\n').filter((line) => line !== '');
      assert.ok(page.length > 0, `${pod} gives no record at ${offset} below its commit ${offsets.commit}`);
      rows.push(...page.map((line) => JSON.parse(line) as Row));
    }
    return rows;
  }

  /** Kills the first process of a pod's container, as a crash would. */
  kill(pod: string, container: string): Promise<number> {
    return signalContainer(this.namespace, pod, container, 'SIGKILL', IMAGE);
  }

  /**
   * Waits until every Consul server is well and has a vote, at the address that its pod has now: for some seconds after a pod was
   * replaced Consul still finds the former one well, and it takes the new one in half a minute later.
   */
  async consulWhole(): Promise<void> {
    await eventually('every Consul server has a vote', RECOVERY_MS, async () => {
      const pods = await this.namespace.pods<Pod>(CONSUL);
      const text = await this.#askConsul('/v1/operator/autopilot/health');
      const { FailureTolerance, Servers } = JSON.parse(text) as {
        FailureTolerance: number;
        Servers: { Voter: boolean; Healthy: boolean; Address: string }[];
      };
      const well = Servers.filter(({ Voter, Healthy }) => Voter && Healthy).map(({ Address }) => Address);
      const lacking = pods.filter(({ status }) => !well.some((at) => at.startsWith(`${status.podIP}:`)));
      assert.ok(
        FailureTolerance >= 1 && lacking.length === 0,
        `${lacking.map(({ metadata }) => metadata.name).join(', ')} missing among ${text}`,
      );
      return true;
    });
  }

  /** The Consul server that leads the others. */
  async consulLeader(): Promise<string> {
    const address = await this.#askConsul('/v1/status/leader');
    const pods = await this.namespace.pods<Pod>(CONSUL);
    const leader = pods.find(({ status }) => address.includes(`"${status.podIP}:`));
    assert.ok(leader, `no Consul pod has the address ${address}`);
    return leader.metadata.name;
  }

  #askConsul(path: string): Promise<string> {
    return this.namespace.httpGet(`${NAME}-consul-0`, CONSUL_PORT, path);
  }

  /** Everything that is not told here stays as it was installed. */
  async upgrade(args: readonly string[]): Promise<void> {
    await this.namespace.helm(['upgrade', RELEASE, CHART, '--reuse-values', ...args]);
  }

  get loggerSet(): string {
    return `statefulset/${NAME}`;
  }

  get consulSet(): string {
    return `statefulset/${NAME}-consul`;
  }
}
