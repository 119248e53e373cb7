// Options with their defaults and checks: whatever cannot work is a TypeError at once, not a failure later.
import type { ClientOptions, ConsulOptions, Dial, Retry } from './types.ts';

export interface Settings {
  /** Given addresses, without a slash at the end. Empty with Consul alone. */
  readonly seeds: readonly string[];
  readonly consul: Required<ConsulOptions> | null;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retryMaxMs: number;
  readonly token: () => string;
  readonly onRetry: (retry: Retry) => void;
  readonly dial: Dial | null;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 2000;
const DEFAULT_CONNECT_TIMEOUT_MS = 250;
const DEFAULT_RETRY_MAX_MS = 1000;

export function settingsOf(options: ClientOptions): Settings {
  const { target = [], consul, token = '', onRetry = () => {}, dial = null } = options;
  return {
    seeds: [target].flat().map(validUrl),
    consul: consul === undefined ? null : validConsul(consul),
    requestTimeoutMs: positive('requestTimeoutMs', options.requestTimeoutMs, DEFAULT_REQUEST_TIMEOUT_MS),
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs, DEFAULT_CONNECT_TIMEOUT_MS),
    retryMaxMs: positive('retryMaxMs', options.retryMaxMs, DEFAULT_RETRY_MAX_MS),
    token: typeof token === 'function' ? token : () => token,
    onRetry,
    dial,
  };
}

function validConsul({ urls, cluster = 'default', token = '' }: ConsulOptions): Required<ConsulOptions> {
  if (urls.length === 0) throw new TypeError('consul.urls is empty');
  if (!/^[a-z0-9-]+$/.test(cluster)) throw new TypeError(`consul.cluster is ${JSON.stringify(cluster)}`);
  return { urls: urls.map(validUrl), cluster, token };
}

function validUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new TypeError(`${JSON.stringify(text)} is no http:// or https:// base URL`);
  return url.href.replace(/\/$/, '');
}

function positive(name: string, value: number | undefined, fallback: number): number {
  if (value !== undefined && !(value > 0 && value < 2 ** 31)) throw new TypeError(`${name} is ${value}`);
  return value ?? fallback;
}
