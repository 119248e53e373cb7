// A client of the loggers inside the cluster: a pod of the restricted standard with the CAs that it needs and the label that
// NetworkPolicies let in. It runs the Node of the image under test, once for each call.
import assert from 'node:assert/strict';
import type { Status } from '../../src/api/index.ts';
import { eventually, type Namespace } from './cluster.ts';
import { RECOVERY_MS, type Row } from './kube-stack.ts';

const CALL_MS = 5_000;
const PAGE_RECORDS = 1000;

/** Prints one line of JSON: what came of a call, or of a bare TLS connection. */
const SCRIPT = `
const { readFileSync } = require('node:fs');
const wish = JSON.parse(process.argv[1]);
const say = (what) => { console.log(JSON.stringify(what)); process.exit(0); };
const failed = (error) => say({ status: 0, body: String(error.code ?? error.message) });
setTimeout(() => say({ status: 0, body: 'timeout' }), ${CALL_MS});
const ca = wish.ca ? readFileSync('/secrets/' + wish.ca + '/ca.crt') : undefined;
if (wish.tls) {
  const [host, port] = wish.tls.split(':');
  const socket = require('node:tls').connect({ host, port, ca, servername: host });
  let serial = '';
  socket.on('secureConnect', () => {
    serial = socket.getPeerCertificate().serialNumber;
    // A server that wants a certificate says so after its own part is done.
    setTimeout(() => say({ status: 200, body: serial }), 500);
  });
  socket.on('error', failed);
  socket.on('close', () => say({ status: 0, body: 'closed' }));
} else {
  const { request } = require(wish.url.startsWith('https:') ? 'node:https' : 'node:http');
  const call = request(wish.url, { method: wish.method ?? 'GET', headers: wish.headers ?? {}, ca }, (answer) => {
    let body = '';
    answer.setEncoding('utf8').on('data', (chunk) => { body += chunk; });
    answer.on('end', () => say({ status: answer.statusCode, body }));
  });
  call.on('error', failed);
  call.end(wish.body);
}
`;

export interface Wish {
  readonly url?: string;
  /** host:port for a TLS connection without a certificate; its answer is the serial number of the other side's. */
  readonly tls?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Directory of the CA: api, peer or consul. */
  readonly ca?: string;
}

export interface Answer {
  /** HTTP status; 0 where there was no answer, and `body` says why. */
  readonly status: number;
  readonly body: string;
}

export class ClientPod {
  readonly #namespace: Namespace;
  readonly #name: string;

  private constructor(namespace: Namespace, name: string) {
    this.#namespace = namespace;
    this.#name = name;
  }

  /** `secrets` are those of kubernetes.io/tls whose ca.crt it has, by the directory's name. */
  static async start(
    namespace: Namespace,
    name: string,
    image: string,
    labels: Readonly<Record<string, string>>,
    secrets: Readonly<Record<string, string>>,
  ): Promise<ClientPod> {
    const directories = Object.entries(secrets);
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          fsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'client',
            image,
            imagePullPolicy: 'IfNotPresent',
            args: ['-e', 'setInterval(() => {}, 1e6)'],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            volumeMounts: directories.map(([directory]) => ({
              name: directory,
              mountPath: `/secrets/${directory}`,
            })),
          },
        ],
        volumes: directories.map(([directory, secretName]) => ({
          name: directory,
          secret: { secretName, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
        })),
      },
    });
    await namespace.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, `--timeout=${RECOVERY_MS}ms`], {
      timeoutMs: RECOVERY_MS,
    });
    return new ClientPod(namespace, name);
  }

  async call(wish: Wish): Promise<Answer> {
    const node = ['/nodejs/bin/node', '-e', SCRIPT, JSON.stringify(wish)];
    return JSON.parse(await this.#namespace.kubectl(['exec', this.#name, '--', ...node])) as Answer;
  }

  /** A call of the API, which must end well; repeated until it does, as a client would through a takeover. */
  api(url: string, token: string, wish: Wish = {}): Promise<string> {
    return eventually(`${wish.method ?? 'GET'} ${url} ends well`, RECOVERY_MS, async () => {
      const headers = { ...wish.headers, authorization: `Bearer ${token}` };
      const { status, body } = await this.call({ ...wish, url, headers, ca: 'api' });
      if (status !== 200) throw new Error(`${status} ${body}`);
      return body;
    });
  }

  async status(base: string, token: string): Promise<Status> {
    return JSON.parse(await this.api(`${base}/api/v1/status`, token)) as Status;
  }

  /** The records that a logger has as committed now, from an offset on. */
  async log(base: string, token: string, from = 0): Promise<Row[]> {
    const { offsets } = await this.status(base, token);
    const rows: Row[] = [];
    for (let offset = from; offset < offsets.commit; offset = (rows.at(-1)?.offset ?? offset) + 1) {
      const limit = Math.min(PAGE_RECORDS, offsets.commit - offset);
      const text = await this.api(`${base}/api/v1/log?offset=${offset}&limit=${limit}`, token);
      const page = text.split('\n').filter((line) => line !== '');
      assert.ok(page.length > 0, `${base} gives no record at ${offset} below its commit ${offsets.commit}`);
      rows.push(...page.map((line) => JSON.parse(line) as Row));
    }
    return rows;
  }
}
