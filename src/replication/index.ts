// The wire between loggers.
export type { CloseReason } from './channel.ts';
export type { TlsMaterial } from './dial.ts';
export { decodeMessage, encodeMessage } from './messages.ts';
export type { WireMetrics } from './metrics.ts';
export type { WireLog } from './quiet-log.ts';
export { createTransport, type TransportOptions, type WireTransport } from './transport.ts';
export type { PeerAddress, Transport, TransportHandlers } from './types.ts';
