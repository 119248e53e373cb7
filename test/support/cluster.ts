// Any Kubernetes cluster that KUBECONFIG leads to, through kubectl and helm on PATH: nothing here knows what kind of
// cluster it is. Each suite works in a namespace of its own, which goes away with it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiGet } from './kube-proxy.ts';

const RUN_TIMEOUT_MS = 120_000;
const POLL_MS = 250;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a program to its end; its standard output. Throws with what it wrote to standard error. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { input = '', timeoutMs = RUN_TIMEOUT_MS } = options;
  const child = spawn(program, args, { stdio: 'pipe', signal: AbortSignal.timeout(timeoutMs) });
  // A program that ends without reading its input is judged by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const collect = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    stream.setEncoding('utf8');
    for await (const chunk of stream) {
      text += chunk;
      assert.ok(text.length < MAX_OUTPUT_BYTES, `${program} writes without end`);
    }
    return text;
  };
  const exited = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? String(code)));
  });
  const [stdout, stderr, code] = await Promise.all([collect(child.stdout), collect(child.stderr), exited]);
  if (code !== '0') throw new Error(`${program} ${args.join(' ')}: ended with ${code}: ${stderr || stdout}`);
  return stdout;
}

/** Tries until `attempt` neither throws nor gives undefined; then fails with what went wrong last. */
export async function eventually<T>(
  what: string,
  deadlineMs: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  let last: unknown;
  do {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  } while (performance.now() < endMs);
  throw new Error(`waited ${deadlineMs} ms until ${what}`, { cause: last });
}

interface MaybeReady {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly status: { readonly containerStatuses?: readonly { readonly ready: boolean }[] };
}

/** Whether a pod's first container is ready. Of one that is being deleted it is so for a while yet, and the pod is not. */
export const isReady = ({ metadata, status }: MaybeReady): boolean =>
  metadata.deletionTimestamp === undefined && (status.containerStatuses?.[0]?.ready ?? false);

export class Namespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(prefix: string): Promise<Namespace> {
    const name = `${prefix}-${randomBytes(3).toString('hex')}`;
    await run('kubectl', ['create', 'namespace', name]);
    return new Namespace(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('kubectl', ['delete', 'namespace', this.name, '--wait=false']);
  }

  kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run('kubectl', ['--namespace', this.name, ...args], options);
  }

  helm(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run('helm', ['--namespace', this.name, ...args], options);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const items = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(items) });
  }

  async get<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', ...args, '--output', 'json'])) as T;
  }

  /** The pods that carry a label, as the API server lists them. */
  async pods<T>(selector: string): Promise<T[]> {
    const path = `/api/v1/namespaces/${this.name}/pods?labelSelector=${encodeURIComponent(selector)}`;
    return (JSON.parse(await apiGet(path)) as { items: T[] }).items;
  }

  /** An HTTP GET to one pod, by way of the API server: the body, or the error that it answered with. */
  httpGet(pod: string, port: number, path: string): Promise<string> {
    return apiGet(`/api/v1/namespaces/${this.name}/pods/http:${pod}:${port}/proxy${path}`);
  }

  /** What `kubectl get pods --show-labels` says, for the reader of the test's output. */
  async show(title: string, selector: string): Promise<void> {
    const pods = await this.kubectl(['get', 'pods', '--show-labels', '--selector', selector]);
    console.log(`--- ${title}\n${pods}`);
  }

  /** All that helps to see why something failed. */
  async diagnose(): Promise<void> {
    const asked = [
      ['get', 'pods,statefulsets,services,endpointslices,persistentvolumeclaims', '--output', 'wide'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
      ['logs', '--selector=app.kubernetes.io/instance', '--all-containers', '--tail=60', '--prefix'],
    ];
    for (const args of asked) {
      const said = await this.kubectl(args).catch((error: unknown) => String(error));
      console.log(`--- kubectl ${args.join(' ')}\n${said}`);
    }
  }
}
