// A small double of what an API server offers to `dlog --kube`: the pods of a namespace, and port-forwards to them over real
// WebSockets, which it leads to real ports on this machine. Faults are set from outside.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { type WebSocket, WebSocketServer } from 'ws';

export const NAMESPACE = 'logs';
const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERRORS = 1;

export interface ForwardedPod {
  readonly name: string;
  /** May change, as that of a pod that is made anew. */
  ip: string;
  /** Where its port is really; null refuses connections, as a container that is not up yet. */
  port: number | null;
  readonly release?: string;
  readonly scheme?: 'HTTPS';
  readonly phase?: string;
  ready?: boolean;
}

/** What befalls a request: an answer of this status, or none. */
export type ForwardFault = number | 'hang';

export class KubeForwardDouble {
  readonly pods: ForwardedPod[] = [];
  /** Pods that a forward was asked for, in order. */
  readonly forwards: string[] = [];
  /** Label selectors that pods were listed by. */
  readonly selectors: string[] = [];
  listFault: ForwardFault | null = null;
  forwardFault: ForwardFault | null = null;
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #open = new Set<WebSocket>();
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://double');
      if (this.listFault === 'hang') return;
      const status = this.listFault ?? (url.pathname === `/api/v1/namespaces/${NAMESPACE}/pods` ? 200 : 404);
      response.writeHead(status, { 'content-type': 'application/json' });
      if (status !== 200) {
        response.end(JSON.stringify({ kind: 'Status', code: status, message: 'made to fail' }));
        return;
      }
      this.selectors.push(url.searchParams.get('labelSelector') ?? '');
      response.end(JSON.stringify({ kind: 'PodList', items: this.pods.map(podObject) }));
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async start(owner: { after(end: () => Promise<void>): void }): Promise<KubeForwardDouble> {
    const double = new KubeForwardDouble();
    await once(double.#server.listen(0, '127.0.0.1'), 'listening');
    owner.after(async () => {
      double.cutAll();
      for (const socket of double.#sockets) socket.destroy();
      await new Promise((resolve) => double.#server.close(resolve));
    });
    return double;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As a kubeconfig would have it. */
  readonly load = (kubeConfig: KubeConfig): void => {
    const { port } = this;
    kubeConfig.loadFromOptions({
      clusters: [{ name: 'double', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
      users: [{ name: 'test', token: 'secret' }],
      contexts: [{ name: 'test', cluster: 'double', user: 'test', namespace: NAMESPACE }],
      currentContext: 'test',
    });
  };

  get openForwards(): number {
    return this.#open.size;
  }

  /** Ends every forward, as a kubelet that stops. */
  cutAll(): void {
    for (const socket of this.#open) socket.terminate();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const name = /\/pods\/([^/]+)\/portforward\?ports=8080$/.exec(request.url ?? '')?.[1] ?? '';
    this.forwards.push(name);
    if (this.forwardFault === 'hang') return;
    const pod = this.pods.find((each) => each.name === name);
    const status =
      request.headers.authorization === 'Bearer secret' ? (this.forwardFault ?? (pod ? 101 : 404)) : 401;
    if (status !== 101 || pod === undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.#upgrades.handleUpgrade(request, socket, head, (client) => this.#serve(client, pod));
  }

  #serve(client: WebSocket, { port }: ForwardedPod): void {
    this.#open.add(client);
    client.on('close', () => this.#open.delete(client));
    // Each channel begins with the number of the port.
    for (const channel of [DATA, ERRORS]) client.send(Buffer.from([channel, 0x90, 0x1f]));
    if (port === null) {
      client.send(Buffer.concat([Buffer.from([ERRORS]), Buffer.from('connection refused')]));
      client.close();
      return;
    }
    const target = connect(port, '127.0.0.1');
    target.on('data', (chunk) => client.send(Buffer.concat([Buffer.from([DATA]), chunk])));
    target.on('close', () => client.close());
    target.on('error', () => client.terminate());
    client.on('message', (data: Buffer) => {
      if (data[0] === DATA) target.write(data.subarray(1));
    });
    client.on('close', () => target.destroy());
  }
}

const podObject = ({
  name,
  ip,
  release = 'demo',
  scheme,
  phase = 'Running',
  ready = true,
}: ForwardedPod) => ({
  metadata: { name, namespace: NAMESPACE, labels: { 'app.kubernetes.io/instance': release } },
  spec: {
    subdomain: 'loggers',
    containers: [
      {
        name: 'logger',
        ports: [
          { name: 'peer', containerPort: 9090 },
          { name: 'http', containerPort: 8080 },
        ],
        readinessProbe: { httpGet: { path: '/readyz', port: 'http', ...(scheme && { scheme }) } },
      },
    ],
  },
  status: { phase, podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
