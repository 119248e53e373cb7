// Options with their defaults and checks: whatever cannot work is a TypeError at once, not a failure later.
import type { Authorities, ClientOptions, ConsulOptions, Retry } from './types.ts';

/** What may change while a client lives, asked for whenever it is needed. */
export interface Access {
  /** Bearer token for the loggers; empty for none. */
  readonly token: () => string;
  /** Authorities to trust; undefined: those that Node knows. */
  readonly ca: () => string | undefined;
}

export interface ConsulSettings extends Access {
  readonly urls: readonly string[];
  readonly cluster: string;
}

export interface Settings {
  /** Given addresses, without a slash at the end. Empty with Consul alone. */
  readonly seeds: readonly string[];
  readonly consul: ConsulSettings | null;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retryMaxMs: number;
  readonly access: Access;
  /** No http:// URL but the given ones is used: a token must not leave by a way that was not chosen. */
  readonly httpsOnly: boolean;
  readonly onRetry: (retry: Retry) => void;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 2000;
const DEFAULT_CONNECT_TIMEOUT_MS = 250;
const DEFAULT_RETRY_MAX_MS = 1000;

export function settingsOf(options: ClientOptions): Settings {
  const { target = [], consul, onRetry = () => {} } = options;
  const seeds = [target].flat().map(validUrl);
  return {
    seeds,
    consul: consul === undefined ? null : validConsul(consul),
    requestTimeoutMs: positive('requestTimeoutMs', options.requestTimeoutMs, DEFAULT_REQUEST_TIMEOUT_MS),
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs, DEFAULT_CONNECT_TIMEOUT_MS),
    retryMaxMs: positive('retryMaxMs', options.retryMaxMs, DEFAULT_RETRY_MAX_MS),
    access: accessOf(options),
    httpsOnly: options.ca !== undefined || seeds.some((url) => url.startsWith('https:')),
    onRetry,
  };
}

export function accessOf({ token = '', ca }: { token?: string | (() => string); ca?: Authorities }): Access {
  return {
    token: typeof token === 'function' ? token : () => token,
    ca: typeof ca === 'function' ? ca : () => ca,
  };
}

function validConsul({ urls, cluster = 'default', ...access }: ConsulOptions): ConsulSettings {
  if (urls.length === 0) throw new TypeError('consul.urls is empty');
  if (!/^[a-z0-9-]+$/.test(cluster)) throw new TypeError(`consul.cluster is ${JSON.stringify(cluster)}`);
  return { urls: urls.map(validUrl), cluster, ...accessOf(access) };
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
