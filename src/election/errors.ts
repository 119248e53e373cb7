// What can go wrong between a logger and Consul. The one thing every caller has to know of a failed write is whether
// it may have been carried out all the same, so that is a field and not a matter of reading messages.

export type ConsulFailure =
  /** No connection came about: wrong address, nothing listens, no route. */
  | 'unreachable'
  /** The deadline passed, or the connection broke, after the request may have been sent. */
  | 'timeout'
  | 'broken'
  /** The server answered that Consul has no leader. */
  | 'no-leader'
  /** The token does not allow the call. */
  | 'denied'
  /** Another answer of status 4xx: the request is wrong, and would be so anywhere. */
  | 'rejected'
  /** Another answer of status 5xx. */
  | 'server-error'
  /** An answer of status 2xx that is not what Consul answers. */
  | 'malformed'
  /** The caller's signal ended the call. */
  | 'cancelled';

export class ConsulError extends Error {
  override readonly name = 'ConsulError';
  readonly failure: ConsulFailure;
  /** False when the request was certainly not carried out and never will be. */
  readonly maybeDone: boolean;

  constructor(
    failure: ConsulFailure,
    message: string,
    options: { maybeDone?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    this.maybeDone = options.maybeDone ?? false;
  }
}

/** Why a transaction was rolled back, as Consul has it: it answers so too where the token does not allow an operation. */
export function rolledBackFor(errors: readonly { readonly what: string }[]): ConsulError {
  const what = errors.map((error) => error.what).join('; ');
  return new ConsulError(
    what.includes('Permission denied') ? 'denied' : 'rejected',
    `the transaction failed: ${what}`,
  );
}

/** The register's key holds something that no logger wrote. It is never taken for absent: that would elect on a guess. */
export class RegisterMalformed extends Error {
  override readonly name = 'RegisterMalformed';
  readonly key: string;
  readonly index: number;

  constructor(key: string, index: number, problem: string) {
    super(`the Consul key ${key} (ModifyIndex ${index}) is not a register: ${problem}`);
    this.key = key;
    this.index = index;
  }
}

/** Another living process, or something that is no logger, has this logger's name in Consul. */
export class IdentityTaken extends Error {
  override readonly name = 'IdentityTaken';
}
