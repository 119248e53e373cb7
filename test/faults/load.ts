// The workload in the cluster: one pod on each chosen node runs `dlog load` through the leader Service, and one of them follows
// every logger too. A pod's first process is a small keeper, so that the history outlives the end of the recording and can
// be fetched; a keeper that is started again finds the history of its first run and leaves it alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { eventually, type Namespace } from '../support/cluster.ts';
import { API_PORT, IMAGE, NAME } from '../support/kube-stack.ts';

const START_MS = 60_000;
const END_MS = 180_000;
const FETCH_MS = 300_000;
const NODE = '/nodejs/bin/node';
const HISTORY = '/history/history.jsonl';
const ENDED = '/history/ended';
const PID = '/history/pid';

const KEEPER = `
const { spawn } = require('node:child_process');
const { existsSync, writeFileSync } = require('node:fs');
process.on('SIGTERM', () => process.exit());
setInterval(() => {}, 1 << 30);
if (!existsSync('${PID}')) {
  const args = ['dist/cli/main.js', 'load', '--history', '${HISTORY}', ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  writeFileSync('${PID}', String(child.pid));
  child.on('exit', (code, signal) => writeFileSync('${ENDED}', String(signal ?? code)));
}
`;

export interface LoadPlan {
  /** Begins the names of all values: never twice for one log. */
  readonly name: string;
  readonly nodes: readonly string[];
  /** Appends a second of each producer and appender. */
  readonly rate: number;
  readonly callTimeoutMs: number;
  readonly loggers: number;
}

export interface Recording {
  readonly node: string;
  readonly path: string;
}

/** The address by which a reader knows a logger: it stays the same over restarts. */
export const loggerUrl = (index: number): string => `http://${NAME}-${index}.${NAME}-headless:${API_PORT}`;

export class Load {
  readonly #namespace: Namespace;
  readonly #plan: LoadPlan;

  private constructor(namespace: Namespace, plan: LoadPlan) {
    this.#namespace = namespace;
    this.#plan = plan;
  }

  /** Resolves when every pod has recorded its first acknowledgements. */
  static async start(namespace: Namespace, plan: LoadPlan): Promise<Load> {
    const load = new Load(namespace, plan);
    await namespace.apply(...plan.nodes.map((node, index) => load.#pod(node, index)));
    await eventually('the load runs', START_MS, async () => {
      for (const name of load.#pods) {
        const said = await load.#node(
          name,
          `console.log(require('node:fs').readFileSync('${HISTORY}', 'utf8').includes('"outcome":"ok","offset"'))`,
        );
        if (said.trim() !== 'true') return undefined;
      }
      return true;
    });
    return load;
  }

  get #pods(): string[] {
    return this.#plan.nodes.map((node) => this.#podOf(node));
  }

  #podOf(node: string): string {
    return `load-${this.#plan.name}-${node}`;
  }

  /** Tells every recording to end, waits for its final read, and fetches the histories into `directory`. */
  async end(directory: string): Promise<Recording[]> {
    const recordings = await Promise.all(
      this.#plan.nodes.map(async (node) => {
        const pod = this.#podOf(node);
        await eventually(`${pod} is told to end`, END_MS, async () => {
          const script = `const fs = require('node:fs');
            if (!fs.existsSync('${ENDED}')) try {
              process.kill(Number(fs.readFileSync('${PID}', 'utf8')), 'SIGTERM');
            } catch (error) { if (error.code !== 'ESRCH') throw error; }`;
          await this.#node(pod, script);
          return true;
        });
        await eventually(`${pod} has ended its recording`, END_MS, async () => {
          const ended = `console.log(require('node:fs').existsSync('${ENDED}'))`;
          return (await this.#node(pod, ended)).trim() === 'true' ? true : undefined;
        });
        const path = join(directory, `${this.#plan.name}-${node}.jsonl`);
        await this.#fetch(pod, path);
        return { node, path };
      }),
    );
    await this.remove();
    return recordings;
  }

  async remove(): Promise<void> {
    const options = ['--grace-period=1', '--wait=false', '--ignore-not-found'];
    await this.#namespace.kubectl(['delete', 'pod', ...this.#pods, ...options]);
  }

  #node(pod: string, script: string): Promise<string> {
    return this.#namespace.kubectl(['exec', pod, '--', NODE, '-e', script]);
  }

  async #fetch(pod: string, path: string): Promise<void> {
    const script = `require('node:fs').createReadStream('${HISTORY}').pipe(process.stdout)`;
    const args = ['--namespace', this.#namespace.name, 'exec', pod, '--', NODE, '-e', script];
    const signal = AbortSignal.timeout(FETCH_MS);
    const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
    const closed = once(child, 'close');
    await pipeline(child.stdout, createWriteStream(path), { signal });
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new Error(`the history of ${pod} could not be fetched: kubectl ended with ${code}`);
  }

  #pod(node: string, index: number): object {
    const { name, rate, callTimeoutMs, loggers } = this.#plan;
    const readers = index === 0 ? Array.from({ length: loggers }, (_, at) => loggerUrl(at)) : [];
    const args = [
      ...['--url', `http://${NAME}-leader:${API_PORT}`],
      ...readers.flatMap((url) => ['--read-url', url]),
      ...['--producers', '1', '--appenders', index === 0 ? '1' : '0', '--rate', String(rate)],
      ...['--call-timeout-ms', String(callTimeoutMs), '--name', `${name}-${node}`, '--timeout', '120s'],
    ];
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: this.#podOf(node), labels: { app: 'load' } },
      spec: {
        nodeName: node,
        terminationGracePeriodSeconds: 1,
        enableServiceLinks: false,
        tolerations: [{ operator: 'Exists' }],
        securityContext: { runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532 },
        containers: [
          {
            name: 'load',
            image: IMAGE,
            imagePullPolicy: 'IfNotPresent',
            args: ['-e', KEEPER, '--', ...args],
            // Without a share of the processor of its own it would stand still whenever a pod starts, and that would be measured.
            resources: { requests: { cpu: '250m', memory: '128Mi' } },
            volumeMounts: [{ name: 'history', mountPath: '/history' }],
          },
        ],
        volumes: [{ name: 'history', emptyDir: {} }],
      },
    };
  }
}
