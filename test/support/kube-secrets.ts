// What values-secure.yaml asks for, made on the spot: authorities, certificates for the names that the programs dial, and tokens.
import { randomBytes, randomUUID } from 'node:crypto';
import { Authority } from './authority.ts';
import type { Namespace } from './cluster.ts';

export const USES = ['api', 'peer', 'consul'] as const;
export type Use = (typeof USES)[number];

export const tlsSecret = (use: Use): string => `distributed-logger-${use}-tls`;

/** Names that the chart's programs dial, as docs/how-to/secure-on-kubernetes.md has them. */
export function certificateNames(use: Use, fullname: string, namespace: string): string[] {
  const peers = `*.${fullname}-headless.${namespace}.svc`;
  if (use === 'peer') return [peers];
  if (use === 'consul') return ['server.dc1.consul', `*.${fullname}-consul.${namespace}.svc`];
  return [`${fullname}-leader.${namespace}.svc`, `${fullname}.${namespace}.svc`, peers];
}

const token = (): string => randomBytes(32).toString('hex');

export class KubeSecrets {
  readonly client = token();
  readonly metrics = token();
  readonly operator = token();
  /** Of somebody who only reads; replaced in the course of a test. */
  reader = token();
  readonly management = randomUUID();
  consulToken = randomUUID();
  readonly #namespace: Namespace;
  readonly #fullname: string;
  readonly #authorities: ReadonlyMap<Use, Authority>;
  readonly #peerNames: readonly string[];

  private constructor(
    namespace: Namespace,
    fullname: string,
    authorities: ReadonlyMap<Use, Authority>,
    peerNames: readonly string[],
  ) {
    this.#namespace = namespace;
    this.#fullname = fullname;
    this.#authorities = authorities;
    this.#peerNames = peerNames;
  }

  /** `peerNames` are more names for the peers' certificate. */
  static async make(
    namespace: Namespace,
    fullname: string,
    peerNames: readonly string[] = [],
  ): Promise<KubeSecrets> {
    const authorities = new Map<Use, Authority>();
    for (const use of USES) authorities.set(use, await Authority.make(`${use} of ${fullname}`));
    const secrets = new KubeSecrets(namespace, fullname, authorities, peerNames);
    for (const use of USES) await secrets.renew(use);
    await secrets.putTokens();
    await secrets.putConsulToken();
    for (const [name, data] of [
      ['distributed-logger-client-token', { token: secrets.client }],
      ['distributed-logger-metrics-token', { token: secrets.metrics }],
      ['distributed-logger-consul-management', { token: secrets.management }],
      ['distributed-logger-consul-gossip', { key: randomBytes(32).toString('base64') }],
    ] as const)
      await secrets.#put(name, data);
    return secrets;
  }

  /** A new certificate and key of the same authority, in the Secret. */
  async renew(use: Use): Promise<void> {
    const authority = this.#authorities.get(use);
    if (authority === undefined) throw new Error(`there is no authority for ${use}`);
    const usual = certificateNames(use, this.#fullname, this.#namespace.name);
    const names = use === 'peer' ? [...usual, ...this.#peerNames] : usual;
    const { cert, key } = await authority.certificate(use, { names });
    const data = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.ca };
    await this.#put(tlsSecret(use), data, 'kubernetes.io/tls');
  }

  putTokens(): Promise<void> {
    return this.#put('distributed-logger-api-tokens', {
      'produce.client': this.client,
      'read.client': this.client,
      'read.prometheus': this.metrics,
      'read.reader': this.reader,
      'operate.team': this.operator,
    });
  }

  putConsulToken(next?: string): Promise<void> {
    const data = { token: this.consulToken, ...(next === undefined ? {} : { 'token.next': next }) };
    return this.#put('distributed-logger-consul-token', data);
  }

  #put(name: string, stringData: Readonly<Record<string, string>>, type = 'Opaque'): Promise<void> {
    const data = Object.entries(stringData).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    return this.#namespace.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type,
      data: Object.fromEntries(data),
    });
  }
}
