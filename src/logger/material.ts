// Certificates and secrets of a logger, each followed in its files: replaced there, they count for new connections without a
// restart. A setting that is one of a group is wrong without the others, and what is wrong is told before anything listens.
import type { Logger as PinoLogger } from 'pino';
import { ConfigError, type LoggerConfig } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import type { TlsMaterial } from '../replication/index.ts';
import {
  type Certificate,
  type ConsulTrust,
  consulTrustOf,
  type Followed,
  followSetting,
  readAuthorities,
  readCertificate,
} from '../security/index.ts';

export interface Material {
  /** Null: the API is in the clear. */
  readonly apiTls: (() => Certificate) | null;
  /** Null: loggers speak to each other in the clear. */
  readonly peerTls: (() => TlsMaterial) | null;
  readonly consul: ConsulTrust;
}

type Use = 'api' | 'peer';
type PeerCertificate = Certificate & TlsMaterial;
type Parts = Pick<Metrics, 'tlsExpiry' | 'tlsReloadFailures'>;

/** Rejects with ConfigError. */
export async function materialOf(
  config: LoggerConfig,
  out: PinoLogger,
  metrics: Parts,
  stack: AsyncDisposableStack,
): Promise<Material> {
  const problems = groupProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const consul = await consulTrustOf(config, out);
  stack.defer(() => consul.stop());
  const api = await apiCertificate(config, out, metrics);
  if (api !== null) stack.defer(() => api.stop());
  const peer = await peerCertificate(config, out, metrics);
  if (peer !== null) stack.defer(() => peer.stop());
  return {
    apiTls: api && (() => api.current),
    peerTls: peer && (() => peer.current),
    consul,
  };
}

function groupProblems(config: LoggerConfig): string[] {
  const groups: (readonly [variable: string, value: string])[][] = [
    [
      ['DLOG_API_TLS_CERT_FILE', config.apiTlsCertFile],
      ['DLOG_API_TLS_KEY_FILE', config.apiTlsKeyFile],
    ],
    [
      ['DLOG_PEER_TLS_CERT_FILE', config.peerTlsCertFile],
      ['DLOG_PEER_TLS_KEY_FILE', config.peerTlsKeyFile],
      ['DLOG_PEER_TLS_CA_FILE', config.peerTlsCaFile],
    ],
  ];
  const problems = groups.flatMap((group) => {
    const given = group.filter(([, value]) => value !== '').map(([variable]) => variable);
    const missing = group.filter(([, value]) => value === '').map(([variable]) => variable);
    if (given.length === 0 || missing.length === 0) return [];
    return [`${missing.join(' and ')} must be set where ${given.join(' and ')} is set`];
  });
  if (config.apiTlsCertFile !== '' && config.apiUrl?.startsWith('http:'))
    problems.push(`DLOG_API_URL is ${config.apiUrl}, but the API is HTTPS: it must begin with https://`);
  return problems;
}

async function apiCertificate(
  { apiTlsCertFile: certFile, apiTlsKeyFile: keyFile }: LoggerConfig,
  out: PinoLogger,
  metrics: Parts,
): Promise<Followed<Certificate> | null> {
  if (certFile === '') return null;
  return followSetting((last: Certificate | null) => readCertificate({ certFile, keyFile }, last), {
    variable: 'DLOG_API_TLS_CERT_FILE',
    what: 'The certificate of the API',
    log: out,
    ...watching('api', out, metrics),
  });
}

async function peerCertificate(
  { peerTlsCertFile: certFile, peerTlsKeyFile: keyFile, peerTlsCaFile: caFile }: LoggerConfig,
  out: PinoLogger,
  metrics: Parts,
): Promise<Followed<PeerCertificate> | null> {
  if (certFile === '') return null;
  const read = async (last: PeerCertificate | null): Promise<PeerCertificate> => {
    const [own, ca] = await Promise.all([
      readCertificate({ certFile, keyFile }, last),
      readAuthorities(caFile, last?.ca),
    ]);
    return own === last && ca === last.ca ? last : { ...own, ca };
  };
  return followSetting(read, {
    variable: 'DLOG_PEER_TLS_CERT_FILE',
    what: 'The certificate for the other loggers',
    log: out,
    ...watching('peer', out, metrics),
  });
}

/** One that has expired is used all the same: the clock may be wrong, and who trusts it is for the others to judge. */
const watching = (use: Use, out: PinoLogger, { tlsExpiry, tlsReloadFailures }: Parts) => ({
  onRead({ expiresMs }: Certificate): void {
    tlsExpiry.labels(use).set(expiresMs / 1000);
    if (expiresMs < Date.now())
      out.error(
        { use },
        `A certificate has expired on ${new Date(expiresMs).toISOString()}: others will refuse it`,
      );
  },
  onFailure(): void {
    tlsReloadFailures.labels(use).inc();
  },
});
