// Where faults happen: the chart installed in a namespace of its own, and all that a fault asks about it or does to it.
import assert from 'node:assert/strict';
import { historyNow } from '../../src/verify/index.ts';
import { eventually, isReady, type Namespace, run } from '../support/cluster.ts';
import { signalContainer } from '../support/kube-kill.ts';
import { apiGet } from '../support/kube-proxy.ts';
import {
  API_PORT,
  CONSUL,
  IMAGE,
  LOGGERS,
  type LoggerPod,
  RECOVERY_MS,
  Stack,
} from '../support/kube-stack.ts';
import { Lab } from './lab.ts';
import { Routes } from './routes.ts';

export const LOGGER_COUNT = 3;
const MAX_LAG = 200;
/** A pod may be put back where it was. */
const MAX_MOVES = 6;
/** The third wait is 40 s, which would be taken for the fault's. */
const MANY_RESTARTS = 2;
/** A Consul server that waits even 10 s takes the majority with it when another one is struck. */
const MANY_RESTARTS_OF_CONSUL = 1;

/**
 * As the chart has it, also in what the pods ask of a node's processors; only the volumes are small and rollouts quick, and retention by
 * age is on: no record gets that old, so whatever it deletes it deletes too early.
 */
const VALUES = {
  producer: { enabled: false },
  logger: { persistence: { size: '256Mi' }, minReadySeconds: 1, retentionMs: 7 * 24 * 3_600_000 },
  consul: { persistence: { size: '256Mi' } },
};

export interface Placed {
  readonly name: string;
  readonly node: string;
  readonly address: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly containers: ReadonlyMap<string, string>;
}

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: {
    podIP?: string;
    containerStatuses?: { name: string; containerID?: string; ready: boolean; restartCount: number }[];
  };
}

interface Node {
  metadata: { name: string };
  spec: { unschedulable?: boolean };
  status: { conditions: { type: string; status: string }[] };
}

export class Arena implements AsyncDisposable {
  readonly stack: Stack;
  readonly lab: Lab | null;
  readonly routes: Routes;
  readonly nodes: readonly string[];

  private constructor(stack: Stack, nodes: readonly string[]) {
    this.stack = stack;
    this.lab = Lab.fromEnvironment();
    this.lab?.mendVolumes();
    this.routes = new Routes(stack.namespace);
    this.nodes = nodes;
  }

  static async open(): Promise<Arena> {
    const names = await run('kubectl', ['get', 'nodes', '--output', 'name']);
    const nodes = names.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/^node\//, '')]));
    const stack = await Stack.install(VALUES);
    return new Arena(stack, nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.routes[Symbol.asyncDispose]();
    await this.stack[Symbol.asyncDispose]();
  }

  get namespace(): Namespace {
    return this.stack.namespace;
  }

  /** The lab, for faults that need one; they are not chosen without it. */
  get machine(): Lab {
    assert.ok(this.lab, 'LAB is not set');
    return this.lab;
  }

  leader(): Promise<LoggerPod> {
    return this.stack.agreedLeader();
  }

  async followers(): Promise<LoggerPod[]> {
    const leader = await this.leader();
    return (await this.stack.loggers()).filter(({ name }) => name !== leader.name);
  }

  loggers(): Promise<Placed[]> {
    return this.#placed(LOGGERS);
  }

  consuls(): Promise<Placed[]> {
    return this.#placed(CONSUL);
  }

  async pod(name: string): Promise<Placed> {
    const found = [...(await this.loggers()), ...(await this.consuls())].find((pod) => pod.name === name);
    assert.ok(found, `no pod ${name}`);
    return found;
  }

  async consulLeader(): Promise<Placed> {
    return this.pod(await this.stack.consulLeader());
  }

  /** Hands leadership to this pod. */
  async lead(pod: string): Promise<void> {
    await eventually(`${pod} leads`, RECOVERY_MS, async () => {
      const leader = await this.leader();
      if (leader.name === pod) return true;
      const url = `http://127.0.0.1:${API_PORT}`;
      const args = ['dist/cli/main.js', 'transfer', pod, '--url', url];
      await this.namespace.kubectl(['exec', leader.name, '--', '/nodejs/bin/node', ...args]);
      return undefined;
    });
  }

  /** Waits until so many loggers are members, and there are no more pods than that. */
  async membersAre(count: number): Promise<void> {
    await eventually(`there are ${count} members`, RECOVERY_MS, async () => {
      const pods = await this.stack.loggers();
      const leader = pods.find(({ role }) => role === 'leader');
      assert.ok(leader, 'no pod carries the leader label');
      assert.equal((await this.stack.status(leader.name)).members.length, count);
      assert.equal(pods.length, count);
      return true;
    });
  }

  /** Hands Consul's own leadership to this server. */
  async consulLeads(name: string): Promise<void> {
    await this.stack.consulWhole();
    await eventually(`${name} leads Consul`, RECOVERY_MS, async () => {
      const { name: leader } = await this.consulLeader();
      if (leader === name) return true;
      const id = (await this.namespace.kubectl(['exec', name, '--', 'cat', '/consul/data/node-id'])).trim();
      await this.namespace.kubectl([
        'exec',
        leader,
        '--',
        'consul',
        'operator',
        'raft',
        'transfer-leader',
        `-id=${id}`,
      ]);
      return undefined;
    });
  }

  async #placed(selector: string): Promise<Placed[]> {
    const pods = await this.namespace.pods<Pod>(selector);
    return pods.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      node: spec.nodeName ?? '',
      address: status.podIP ?? '',
      ready: isReady({ metadata, status }),
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
      containers: new Map(
        (status.containerStatuses ?? []).map(({ name, containerID = '' }) => [
          name,
          containerID.replace(/^.*:\/\//, ''),
        ]),
      ),
    }));
  }

  /** A signal for the first process of a pod's container; resolves with the time when it was sent. */
  async signal(pod: string, container: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<number> {
    if (this.lab === null) return signalContainer(this.namespace, pod, container, signal, IMAGE);
    const pid = await this.pid(pod, container);
    process.kill(pid, signal);
    return historyNow();
  }

  /** In the lab all processes are the host's. */
  async pid(pod: string, container: string): Promise<number> {
    const id = (await this.pod(pod)).containers.get(container);
    assert.ok(id, `pod ${pod} has no running container ${container}`);
    return this.machine.pidOf(id);
  }

  /** The kubelet waits longer and longer before it starts a container again that ended: whose has ended often gets a new pod. */
  async fresh(): Promise<void> {
    const tired = (pods: readonly Placed[], many: number) => pods.filter(({ restarts }) => restarts >= many);
    const loggers = tired(await this.loggers(), MANY_RESTARTS);
    for (const { name } of [...loggers, ...tired(await this.consuls(), MANY_RESTARTS_OF_CONSUL)]) {
      await this.namespace.kubectl(['delete', 'pod', name]);
      await this.whole();
    }
  }

  /** Recovered, and each pod on a node of its own: after a node was away two may share one, which the scheduler does not undo. */
  async whole(): Promise<LoggerPod> {
    for (let moves = 0; ; moves += 1) {
      const leader = await this.recovered();
      const misplaced = await this.#misplaced();
      if (misplaced === null) return leader;
      assert.ok(moves < MAX_MOVES, `${misplaced} shares a node, and finds no other`);
      await this.namespace.kubectl(['delete', 'pod', misplaced]);
    }
  }

  /** Waits until all is as it should be: so many loggers, in sync, a Service that has them, and a Consul that can lose a server. */
  async recovered(): Promise<LoggerPod> {
    await eventually('all nodes are ready', RECOVERY_MS, () => this.#nodesReady());
    await eventually('all loggers are ready', RECOVERY_MS, async () => {
      const pods = await this.loggers();
      return pods.length === LOGGER_COUNT && pods.every(({ ready }) => ready) ? true : undefined;
    });
    await this.stack.consulWhole();
    const leader = await this.leader();
    await eventually('all members are in sync', RECOVERY_MS, async () => {
      const { members } = await this.stack.status(leader.name);
      assert.ok(
        members.length === LOGGER_COUNT &&
          members.every(({ connected, lag }) => connected && lag !== null && lag < MAX_LAG),
        JSON.stringify(members),
      );
      return true;
    });
    // Of an API server that was away the controllers ask again after up to half a minute.
    await eventually(`the Service routes to ${leader.name} alone`, RECOVERY_MS, () => {
      assert.equal(this.routes.agreed, leader.name);
      return Promise.resolve(true);
    });
    return leader;
  }

  async #nodesReady(): Promise<true> {
    const { items } = JSON.parse(await apiGet('/api/v1/nodes')) as { items: Node[] };
    const lacking = items.filter(
      ({ spec, status }) =>
        spec.unschedulable ||
        !status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    assert.deepEqual(
      lacking.map(({ metadata }) => metadata.name),
      [],
    );
    return true;
  }

  /** One of two pods that share a node while another node has none of them; a logger that follows rather than the one that leads. */
  async #misplaced(): Promise<string | null> {
    const leader = await this.leader();
    for (const pods of [await this.loggers(), await this.consuls()]) {
      const nodes = new Set(pods.map(({ node }) => node));
      if (nodes.size === Math.min(pods.length, this.nodes.length)) continue;
      const shared = pods.filter(({ node }) => pods.filter((pod) => pod.node === node).length > 1);
      const movable = shared.find(({ name }) => name !== leader.name);
      if (movable) return movable.name;
    }
    return null;
  }

  /** Compares all logs record by record, from one pod to the others. */
  async sameLogs(): Promise<void> {
    const pods = await this.loggers();
    const [first] = pods;
    assert.ok(first);
    const urls = pods.flatMap(({ address }) => ['--url', `http://${address}:${API_PORT}`]);
    const args = ['dist/cli/main.js', 'verify', ...urls, '--timeout', '2m'];
    console.log(
      await this.namespace.kubectl(['exec', first.name, '--', '/nodejs/bin/node', ...args], {
        timeoutMs: 300_000,
      }),
    );
  }

  /** What one logger says about itself, asked by a program on its own node, which a cut-off network does not hinder. */
  async statusOnNode(node: string, address: string): Promise<{ role: string; epoch: number }> {
    const url = `http://${address}:${API_PORT}/api/v1/status`;
    const text = await this.machine.onNode(node, 'curl', '--silent', '--max-time', '3', url);
    return JSON.parse(text) as { role: string; epoch: number };
  }
}
