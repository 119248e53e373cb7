// A small double of the Kubernetes API server: pods with resourceVersions and JSON merge patches, events, and a
// StatefulSet, over real HTTP, with the faults that a real one shows: refusals, answers that never come, connections
// that break before or after the deed.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { EPOCH_ANNOTATION, ROLE_LABEL } from '../../src/kubernetes/index.ts';

export const NAMESPACE = 'test';
export const SELECTOR = 'app=logger';

export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/**
 * What befalls a request: an answer of this status; `hang`, no answer; `cut`, the connection ends first; `cut-after`, the
 * deed is done and the connection ends; or a promise to wait for before anything is done.
 */
export type Fault = number | 'hang' | 'cut' | 'cut-after' | Promise<void>;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly authorization: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const status = (code: number, message: string): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message },
});

export class KubeApiDouble {
  readonly requests: Request[] = [];
  readonly events: { metadata: { name: string }; reason: string; message: string }[] = [];
  replicas = 3;
  /** Asked for each request; the first fault that is not null befalls it. */
  readonly faults: ((request: Request) => Fault | null)[] = [];
  connections = 0;
  /** The most patches of one pod that were under way at a time. */
  concurrentPatches = 0;
  readonly #pods = new Map<string, Metadata>();
  readonly #patching = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #version = 1;

  constructor() {
    this.#server = createServer((incoming, response) => void this.#serve(incoming, response));
    // Idle connections stay until the client lets go of them.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  load(kubeConfig: KubeConfig): void {
    const { port } = this.#server.address() as AddressInfo;
    kubeConfig.loadFromOptions({
      clusters: [{ name: 'double', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
      users: [{ name: 'test', token: 'secret' }],
      contexts: [{ name: 'test', cluster: 'double', user: 'test' }],
      currentContext: 'test',
    });
  }

  addPod(name: string, role?: string, epoch?: number): void {
    this.#pods.set(name, {
      name,
      namespace: NAMESPACE,
      uid: `uid-of-${name}`,
      resourceVersion: String(this.#version++),
      labels: { app: 'logger', ...(role === undefined ? {} : { [ROLE_LABEL]: role }) },
      annotations: epoch === undefined ? {} : { [EPOCH_ANNOTATION]: String(epoch) },
    });
  }

  removePod(name: string): void {
    this.#pods.delete(name);
  }

  /** Changes nothing but the resourceVersion, as a kubelet's status update does. */
  touch(name: string): void {
    this.#pod(name).resourceVersion = String(this.#version++);
  }

  setRole(name: string, role: string): void {
    this.#pod(name).labels[ROLE_LABEL] = role;
    this.touch(name);
  }

  /** Name to role and epoch, as `leader@3`; `none@0` where nothing is set. */
  view(): Record<string, string> {
    const shown = ({ labels, annotations }: Metadata) =>
      `${labels[ROLE_LABEL] ?? 'none'}@${annotations[EPOCH_ANNOTATION] ?? 0}`;
    return Object.fromEntries([...this.#pods].map(([name, pod]) => [name, shown(pod)]));
  }

  #pod(name: string): Metadata {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    return pod;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const { method = '', url = '', headers } = incoming;
    const { 'content-type': contentType = '', authorization = '' } = headers;
    const request = { method, path: url, contentType, authorization, body };
    this.requests.push(request);
    const pod = method === 'PATCH' ? url : null;
    if (pod !== null) this.#track(pod, 1);
    response.on('close', () => pod !== null && this.#track(pod, -1));
    const fault = this.faults.map((find) => find(request)).find((found) => found !== null) ?? null;
    if (fault === 'hang') return;
    if (fault === 'cut') return void incoming.socket.destroy();
    if (fault instanceof Promise) await fault;
    const answer = typeof fault === 'number' ? status(fault, 'made to fail') : this.#answer(request);
    if (fault === 'cut-after') return void incoming.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  #track(path: string, by: number): void {
    const now = (this.#patching.get(path) ?? 0) + by;
    this.#patching.set(path, now);
    this.concurrentPatches = Math.max(this.concurrentPatches, now);
  }

  #answer(request: Request): Answer {
    const { pathname, searchParams } = new URL(request.path, 'http://double');
    const core = `/api/v1/namespaces/${NAMESPACE}`;
    if (request.method === 'GET' && pathname === `${core}/pods`) {
      if (searchParams.get('labelSelector') !== SELECTOR) return status(400, 'wrong selector');
      return { status: 200, body: { items: [...this.#pods.values()].map((metadata) => ({ metadata })) } };
    }
    if (request.method === 'PATCH' && pathname.startsWith(`${core}/pods/`)) {
      return this.#patch(pathname.slice(`${core}/pods/`.length), request);
    }
    if (request.method === 'POST' && pathname === `${core}/events`) return this.#event(request.body);
    if (request.method === 'GET' && pathname.endsWith('/statefulsets/logger')) {
      return { status: 200, body: { metadata: { name: 'logger' }, spec: { replicas: this.replicas } } };
    }
    return status(404, `no such resource: ${request.method} ${pathname}`);
  }

  #patch(name: string, { body, contentType }: Request): Answer {
    if (contentType !== 'application/merge-patch+json')
      return status(415, `not a merge patch: ${contentType}`);
    const pod = this.#pods.get(name);
    if (pod === undefined) return status(404, `pods "${name}" not found`);
    const { metadata } = JSON.parse(body) as { metadata: Partial<Metadata> };
    if (metadata.resourceVersion !== pod.resourceVersion) {
      return status(409, 'the object has been modified');
    }
    Object.assign(pod.labels, metadata.labels);
    Object.assign(pod.annotations, metadata.annotations);
    this.touch(name);
    return { status: 200, body: { metadata: pod } };
  }

  #event(body: string): Answer {
    const event = JSON.parse(body) as (typeof this.events)[number];
    if (this.events.some(({ metadata }) => metadata.name === event.metadata.name)) {
      return status(409, 'already exists');
    }
    this.events.push(event);
    return { status: 201, body: event };
  }
}

export async function kubeApi(): Promise<KubeApiDouble> {
  const double = new KubeApiDouble();
  await double.listen();
  return double;
}
