// What both ends of an append stream agree on (docs/reference/api.md, Append stream).

export const STREAM_ROUTE = '/api/v1/log/stream';
/** WebSocket subprotocol. */
export const STREAM_PROTOCOL = 'dlog-append.v1';
/** Largest message, which is one record batch; a larger one goes by a POST. */
export const STREAM_MESSAGE_BYTES = 1024 * 1024;

/** An answer that is no success: what a POST would have been answered. A success is an `AppendResult`. */
export interface StreamRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}
