// What the wire counts. Ids are those of peers that passed the handshake, so that labels made of them are bounded by the
// loggers of the cluster.
import type { CloseReason } from './channel.ts';

export interface WireMetrics {
  traffic(peer: string, direction: 'in' | 'out', frames: number, bytes: number): void;
  connected(peer: string): void;
  disconnected(peer: string, reason: CloseReason): void;
  /** A connection that was refused because its TLS handshake failed. */
  tlsFailed(): void;
  /** Heartbeats of a connected peer that had not come when the next one was due. */
  beatsMissed(peer: string, count: number): void;
  /** Of a heartbeat and its echo, between the heartbeat threads of both loggers. */
  roundTrip(peer: string, ms: number): void;
}
