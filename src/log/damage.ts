/** Bytes that once were durable are not what they were. Found at start it puts the log in quarantine. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError';
}

/** The caller asked for what cannot be; nothing has changed. Any other error in a change is a fault and ends the log. */
export class RefusedError extends RangeError {
  override readonly name = 'RefusedError';
}
