// Configuration from environment variables: one table per program says what there is, one reader checks it all and reports
// every problem at once. The tables also make docs/reference/configuration.md (a test compares them).

import { isUtf8 } from 'node:buffer';
import { hostname } from 'node:os';
import { BODY_MAX_BYTES, SEGMENT_MIN_BYTES } from './limits.ts';
import { withoutUserInfo } from './user-info.ts';

export interface Setting<T> {
  readonly variable: string;
  readonly fallback: string | null;
  readonly takes: string;
  readonly about: string;
  readonly parse: (text: string) => T;
}

type Table = Readonly<Record<string, Setting<unknown>>>;
export type Values<T extends Table> = { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never };

/** All that is wrong with a configuration, one line a problem. Programs print it and exit with 78 (EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  static readonly exitCode = 78;
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? `wrong configuration: ${problems[0]}`
        : `wrong configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Reads every setting of `table` from `environment`; throws one ConfigError that names all problems. */
export function readConfig<T extends Table>(
  table: T,
  environment: Readonly<Record<string, string | undefined>>,
): Values<T> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const given = environment[setting.variable];
    const text = given === undefined || given === '' ? setting.fallback : given;
    if (text === null) {
      problems.push(`${setting.variable} is not set: it takes ${setting.takes}`);
      continue;
    }
    try {
      values[name] = setting.parse(text);
    } catch {
      problems.push(
        `${setting.variable} is ${JSON.stringify(withoutUserInfo(text))}: it takes ${setting.takes}`,
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Values<T>;
}

const refuse = (): never => {
  throw new Error('not in range');
};

const text = (
  variable: string,
  fallback: string | null,
  about: string,
  pattern = /^[\s\S]+$/,
  takes = 'text',
): Setting<string> => ({
  variable,
  fallback,
  about,
  takes,
  parse: (value) => (pattern.test(value) && isUtf8(Buffer.from(value)) ? value : refuse()),
});

/** Where a program listens. Node takes all addresses of IPv6 and IPv4 when it is given none, or those of IPv4 where that is all there is. */
const listenHost = (variable: string, about: string): Setting<string> =>
  text(variable, '', `${about}; empty: all, of IPv6 and IPv4`, /^\S*$/, 'an address, or nothing');

const optional = <T>(inner: Setting<T>): Setting<T | null> => ({
  ...inner,
  fallback: '',
  takes: `${inner.takes}, or nothing`,
  parse: (value) => (value === '' ? null : inner.parse(value)),
});

const whole = (
  variable: string,
  fallback: number | null,
  [low, high]: readonly [number, number],
  about: string,
): Setting<number> => ({
  variable,
  fallback: fallback === null ? null : String(fallback),
  about,
  takes: `a whole number from ${low} to ${high}`,
  parse: (value) =>
    /^-?\d+$/.test(value) && Number(value) >= low && Number(value) <= high ? Number(value) : refuse(),
});

const real = (
  variable: string,
  fallback: number,
  [low, high]: readonly [number, number],
  about: string,
): Setting<number> => ({
  variable,
  fallback: String(fallback),
  about,
  takes: `a number from ${low} to ${high}`,
  parse: (value) =>
    /^-?\d+(\.\d+)?$/.test(value) && Number(value) >= low && Number(value) <= high ? Number(value) : refuse(),
});

const flag = (variable: string, fallback: boolean, about: string): Setting<boolean> => ({
  variable,
  fallback: String(fallback),
  about,
  takes: 'true or false',
  parse: (value) => (value === 'true' ? true : value === 'false' ? false : refuse()),
});

const choice = <const C extends readonly string[]>(
  variable: string,
  fallback: C[number],
  choices: C,
  about: string,
): Setting<C[number]> => ({
  variable,
  fallback,
  about,
  takes: choices.join(' | '),
  parse: (value) => (choices.includes(value) ? value : refuse()),
});

const baseUrl = (value: string): string => {
  const url = new URL(value);
  if (!['http:', 'https:'].includes(url.protocol) || url.search || url.hash) refuse();
  return url.href.replace(/\/$/, '');
};

const url = (variable: string, fallback: string | null, about: string): Setting<string> => ({
  variable,
  fallback,
  about,
  takes: 'an http:// or https:// URL',
  parse: baseUrl,
});

const urls = (variable: string, fallback: string | null, about: string): Setting<readonly string[]> => ({
  variable,
  fallback,
  about,
  takes: 'http:// or https:// URLs, separated by commas',
  parse: (value) => value.split(',').map((part) => baseUrl(part.trim())),
});

/** As the wire takes it: host:port, an IPv6 address in brackets. */
function addressOf(value: string): string {
  const port = Number(/^(?:\[[^\]\s]+\]|[^\s/]+):(\d{1,5})$/.exec(value)?.[1] ?? 0);
  return port > 0 && port < 65_536 ? value : refuse();
}

const hostPort = (variable: string, fallback: string | null, about: string): Setting<string> => ({
  variable,
  fallback,
  about,
  takes: 'host:port',
  parse: addressOf,
});

const peerList = (variable: string, fallback: string, about: string): Setting<string> => ({
  variable,
  fallback,
  about,
  takes: 'id=host:port,… or nothing',
  parse: (value) => {
    for (const part of value === '' ? [] : value.split(',')) {
      const match = /^[a-z0-9-]+=([^,=]+)$/.exec(part);
      addressOf(match?.[1] ?? refuse());
    }
    return value;
  },
});

const file = (variable: string, about: string): Setting<string> =>
  text(variable, '', about, /^[\s\S]*$/, 'a file or nothing');

const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const idTakes =
  'lower-case letters, digits and dashes, 63 at most, beginning and ending with a letter or digit';
const seconds = 1000;
const minutes = 60 * seconds;
const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** How a program stands with Consul. */
const consulAccess = {
  consulToken: text(
    'DLOG_CONSUL_TOKEN',
    '',
    'Consul ACL token; empty for none',
    /^[\x21-\x7e]*$/,
    'a token or nothing',
  ),
  consulTokenFile: file(
    'DLOG_CONSUL_TOKEN_FILE',
    'File with the Consul ACL token, instead of DLOG_CONSUL_TOKEN; reread when it changes',
  ),
  consulCaFile: file(
    'DLOG_CONSUL_CA_FILE',
    'Authorities to trust for https:// Consul URLs, in PEM; reread when it changes; empty: those that Node knows',
  ),
} as const;

export const loggerSettings = {
  id: text('DLOG_ID', hostname().toLowerCase(), 'Name of this logger, unique in its cluster', ID, idTakes),
  cluster: text('DLOG_CLUSTER', 'default', 'Name of the cluster of loggers', ID, idTakes),
  dataDir: text(
    'DLOG_DATA_DIR',
    './data',
    'Directory of the log and its state; locked against a second process',
  ),
  apiHost: listenHost('DLOG_API_HOST', 'Address that the HTTP API listens on'),
  apiPort: whole('DLOG_API_PORT', 8080, [1, 65535], 'Port of the HTTP API'),
  apiTokensDir: text(
    'DLOG_API_TOKENS_DIR',
    '',
    'Directory of bearer tokens, one file for each role (produce, read, operate) with one token a line; reread when it changes; empty: the API asks for none',
    /^[\s\S]*$/,
    'a directory or nothing',
  ),
  apiTlsCertFile: file(
    'DLOG_API_TLS_CERT_FILE',
    'Certificate of the HTTP API, in PEM, with the intermediate ones behind it; reread when it changes; empty: the API is in the clear',
  ),
  apiTlsKeyFile: file('DLOG_API_TLS_KEY_FILE', 'Key of that certificate, in PEM'),
  metricsNeedToken: flag(
    'DLOG_METRICS_NEED_TOKEN',
    false,
    '/metrics needs a token with the role read, where tokens are asked for',
  ),
  apiUrl: optional(
    url(
      'DLOG_API_URL',
      null,
      'Base URL under which others reach the HTTP API; made from host and port when empty',
    ),
  ),
  peerHost: listenHost('DLOG_PEER_HOST', 'Address that the replication listener listens on'),
  peerPort: whole('DLOG_PEER_PORT', 9090, [1, 65535], 'Port of the replication listener'),
  beatPort: whole(
    'DLOG_BEAT_PORT',
    0,
    [0, 65535],
    "Port of the heartbeats' listener, beside the replication listener; 0 takes a free one, which the others are told",
  ),
  peerAddress: optional(
    hostPort(
      'DLOG_PEER_ADDRESS',
      null,
      'host:port under which the other loggers reach the replication listener; made from host and port when empty',
    ),
  ),
  peerTlsCertFile: file(
    'DLOG_PEER_TLS_CERT_FILE',
    'Certificate that this logger shows the others, in PEM, dialling and dialled; reread when it changes; empty: they speak in the clear',
  ),
  peerTlsKeyFile: file('DLOG_PEER_TLS_KEY_FILE', 'Key of that certificate, in PEM'),
  peerTlsCaFile: file(
    'DLOG_PEER_TLS_CA_FILE',
    "Authorities that must have signed the others' certificates, in PEM; reread when it changes",
  ),
  peers: peerList(
    'DLOG_PEERS',
    '',
    'First members, as id=host:port separated by commas; only used before a register exists',
  ),
  consulUrls: urls('DLOG_CONSUL_URLS', 'http://127.0.0.1:8500', 'Consul servers or agents, tried in turn'),
  ...consulAccess,
  consulSessionTtlMs: whole(
    'DLOG_CONSUL_SESSION_TTL_MS',
    10 * seconds,
    [10 * seconds, 86_400 * seconds],
    'TTL of the Consul session, the backstop of leader loss; Consul takes no less than 10 s',
  ),
  consulTimeoutMs: whole(
    'DLOG_CONSUL_TIMEOUT_MS',
    300,
    [50, 60 * seconds],
    'Deadline of a Consul call that a takeover waits for',
  ),
  kubernetes: choice(
    'DLOG_KUBERNETES',
    'auto',
    ['auto', 'on', 'off'],
    'Keep the pod label; auto: on when a service account is mounted and a pod name is set',
  ),
  podName: text('DLOG_POD_NAME', '', 'Name of this pod', /^[a-z0-9.-]*$/, 'a pod name or nothing'),
  podIp: text(
    'DLOG_POD_IP',
    '',
    'Address of this pod, under which others reach what listens on all addresses',
    /^[0-9a-fA-F.:]*$/,
    'an address or nothing',
  ),
  namespace: text(
    'DLOG_POD_NAMESPACE',
    '',
    'Namespace of this pod',
    /^[a-z0-9-]*$/,
    'a namespace or nothing',
  ),
  podSelector: text(
    'DLOG_POD_SELECTOR',
    '',
    'Label selector of all loggers of this cluster',
    /^[\x21-\x7e]*$/,
    'a label selector or nothing',
  ),
  statefulSet: text(
    'DLOG_STATEFULSET',
    '',
    'StatefulSet whose replicas are the wanted members',
    /^[a-z0-9.-]*$/,
    'a name or nothing',
  ),
  labelResyncMs: whole(
    'DLOG_LABEL_RESYNC_MS',
    3 * seconds,
    [100, 10 * minutes],
    'How often the observed pod labels are compared with the wanted',
  ),
  printRecords: flag('DLOG_PRINT_RECORDS', true, 'Print each committed record on stdout while leading'),
  printRate: whole(
    'DLOG_PRINT_RATE',
    100,
    [0, 1_000_000],
    'Records printed one by one in a second; what comes beyond is one line that says which offsets; 0 prints all',
  ),
  logLevel: choice('DLOG_LOG_LEVEL', 'info', logLevels, 'Least severe log lines to print'),
  segmentSizeBytes: whole(
    'DLOG_SEGMENT_SIZE_BYTES',
    128 * MiB,
    [SEGMENT_MIN_BYTES, 2 * GiB - 1],
    'Size at which a new segment begins; a quarter of DLOG_RETENTION_BYTES where that is less',
  ),
  retentionBytes: whole(
    'DLOG_RETENTION_BYTES',
    0,
    [0, Number.MAX_SAFE_INTEGER],
    'Old segments go while those that are left hold as much as this; on a full disk, while the log holds more; 0 keeps all',
  ),
  retentionMs: whole(
    'DLOG_RETENTION_MS',
    0,
    [0, Number.MAX_SAFE_INTEGER],
    'Old segments go when their last record is older than this, the last one too; 0 keeps all',
  ),
  bodyLimitBytes: whole('DLOG_BODY_LIMIT_BYTES', 4 * MiB, [KiB, BODY_MAX_BYTES], 'Largest request body'),
  recordLimitBytes: whole(
    'DLOG_RECORD_LIMIT_BYTES',
    MiB,
    [1, BODY_MAX_BYTES],
    'Largest record: key, value and headers; DLOG_BODY_LIMIT_BYTES bounds it too',
  ),
  maxPendingBytes: whole(
    'DLOG_MAX_PENDING_BYTES',
    64 * MiB,
    [MiB, 4 * GiB],
    'Appends that may wait for their commit, in bytes; more get 503; not below DLOG_BODY_LIMIT_BYTES',
  ),
  maxPendingRequests: whole(
    'DLOG_MAX_PENDING_REQUESTS',
    10_000,
    [1, 1_000_000],
    'Appends that may wait for their commit; more get 429',
  ),
  appendTimeoutMs: whole(
    'DLOG_APPEND_TIMEOUT_MS',
    10 * seconds,
    [100, 10 * minutes],
    'How long an append waits for its commit before its outcome is reported as unknown',
  ),
  maxReaders: whole(
    'DLOG_MAX_READERS',
    1000,
    [1, 100_000],
    'Live readers (SSE and long-polls) at a time; more get 429',
  ),
  lingerMs: whole(
    'DLOG_LINGER_MS',
    250,
    [0, 60 * seconds],
    'After leadership is handed over at a stop: how long redirects to the new leader are still answered',
  ),
  shutdownTimeoutMs: whole(
    'DLOG_SHUTDOWN_TIMEOUT_MS',
    20 * seconds,
    [100, 10 * minutes],
    'Longest orderly stop after SIGTERM',
  ),
} as const;

export const producerSettings = {
  id: text('DLOG_PRODUCER_NAME', hostname().toLowerCase(), 'Name of this producer, for people', ID, idTakes),
  target: optional(
    urls(
      'DLOG_TARGET',
      null,
      'Base URL of the leader Service, or of any loggers; when empty the leader is looked up in Consul',
    ),
  ),
  consulUrls: urls(
    'DLOG_CONSUL_URLS',
    'http://127.0.0.1:8500',
    'Consul servers or agents, tried in turn, where no target is set',
  ),
  ...consulAccess,
  cluster: text('DLOG_CLUSTER', 'default', 'Name of the cluster of loggers', ID, idTakes),
  rate: real(
    'DLOG_RATE',
    0.2,
    [0, 10_000_000],
    'Messages a second; 0 sends as fast as they are acknowledged',
  ),
  message: text(
    'DLOG_MESSAGE',
    'Message: %d',
    'Text of a message; %d is its number',
    /^[^%]*%d[^%]*$/,
    'text with one %d and no other %',
  ),
  tokenFile: text(
    'DLOG_TOKEN_FILE',
    '',
    'File with the bearer token for the loggers, which needs the roles produce and read; reread when it changes; empty for none',
    /^[\s\S]*$/,
    'a file or nothing',
  ),
  caFile: file(
    'DLOG_CA_FILE',
    'Authorities to trust for https:// loggers, in PEM; reread when it changes; empty: those that Node knows',
  ),
  producerId: optional(
    text(
      'DLOG_PRODUCER_ID',
      null,
      'Producer id for exactly-once appends: kept, so that numbering goes on after a restart; a random one when empty',
      /^[1-9]\d{0,18}$/,
      'a whole number from 1 to 9223372036854775807',
    ),
  ),
  host: listenHost('DLOG_PRODUCER_HOST', 'Address that probes and metrics listen on'),
  port: whole('DLOG_PRODUCER_PORT', 8081, [0, 65535], 'Port of probes and metrics; 0 takes a free one'),
  requestTimeoutMs: whole(
    'DLOG_REQUEST_TIMEOUT_MS',
    2 * seconds,
    [50, 10 * minutes],
    'Deadline of one attempt to send',
  ),
  retryMaxMs: whole('DLOG_RETRY_MAX_MS', seconds, [10, 10 * minutes], 'Longest wait between two attempts'),
  shutdownTimeoutMs: whole(
    'DLOG_SHUTDOWN_TIMEOUT_MS',
    10 * seconds,
    [100, 10 * minutes],
    'How long the message in flight may take after SIGTERM',
  ),
  logLevel: choice('DLOG_LOG_LEVEL', 'info', logLevels, 'Least severe log lines to print'),
} as const;

export type LoggerConfig = Values<typeof loggerSettings>;
export type ProducerConfig = Values<typeof producerSettings>;
