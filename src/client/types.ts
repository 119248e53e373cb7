// What callers of the client give and get. Times are milliseconds; offsets, sequences and epochs are whole numbers;
// producer ids are bigint, since their 63 bits do not fit a number.

import type { RetryReason } from './errors.ts';

/**
 * Certificates of authorities, PEM text; a function is asked for each connection, so that they can be replaced. They are trusted
 * instead of those that Node knows; undefined: those.
 */
export type Authorities = string | (() => string | undefined);

export interface ConsulOptions {
  /** Base URLs of Consul servers or agents, tried in turn. */
  readonly urls: readonly string[];
  /** Name of the cluster of loggers. */
  readonly cluster?: string;
  /** ACL token with `key_prefix "distributed-logger/<cluster>/"` read; a function is asked for each call. */
  readonly token?: string | (() => string);
  /** Authorities to trust for https:// URLs, as `ca` of the client. */
  readonly ca?: Authorities;
}

/** Where the loggers are, and how long to wait for them. `target`, `consul` or both must be given. */
export interface ClientOptions {
  /** Base URL of the leader Service, or of any loggers: whoever does not lead names the leader. */
  readonly target?: string | readonly string[];
  /** Look the leader up in Consul, and keep looking. */
  readonly consul?: ConsulOptions;
  /** Deadline of one attempt. A logger that froze is left earlier if another one is known to lead. */
  readonly requestTimeoutMs?: number;
  /** Deadline of a TCP or TLS connection; short, since a dead node answers nothing at all. */
  readonly connectTimeoutMs?: number;
  /** Longest wait between two attempts. */
  readonly retryMaxMs?: number;
  /** Told about every attempt that will be repeated. */
  readonly onRetry?: (retry: Retry) => void;
  /** Bearer token for the loggers; a function is asked for each request, so that a token can be rotated. Empty: none. */
  readonly token?: string | (() => string);
  /**
   * Authorities to trust for loggers with https:// URLs. Once these are given, or a target is https://, no other logger's http://
   * URL is used, whoever names it.
   */
  readonly ca?: Authorities;
}

/** An attempt that failed and will be made again. */
export interface Retry {
  readonly reason: RetryReason;
  readonly detail: string;
  /** The logger that was asked; null when none was known. */
  readonly url: string | null;
  /** Number of the attempt that failed, from 1 on. */
  readonly attempt: number;
}

/** A record to send. Text travels as it is, bytes as base64; a lone surrogate is refused, since UTF-8 has none. */
export interface RecordToSend {
  readonly key?: string | Uint8Array;
  readonly value: string | Uint8Array;
}

export type Sendable = string | Uint8Array | RecordToSend;

export interface Acknowledgement {
  /** Offset of the first record; the others follow without holes. */
  readonly offset: number;
  readonly count: number;
  /** Epoch of the leader that stored them. */
  readonly epoch: number;
  /** How many requests it took, redirects included. */
  readonly attempts: number;
}

/** A record as it was read: key and value are strings where they are UTF-8, else bytes. */
export interface ReadRecord {
  readonly offset: number;
  /** Milliseconds since 1970, set by the leader. */
  readonly timestampMs: number;
  readonly epoch: number;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array;
}

export interface ReadResult {
  readonly records: readonly ReadRecord[];
  /** Records below this offset were committed when the answer began. */
  readonly commit: number;
  /** Where to go on reading. */
  readonly next: number;
}
