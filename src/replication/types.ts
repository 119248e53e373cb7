// How loggers reach each other, as small as the driver needs it. The wire behind it (TCP or TLS frames, heartbeats on
// a connection of their own, reconnecting) and the simulated network of the tests both implement it.
import type { Beat, Member, Message } from '../replica/types.ts';

/** Whom to keep a connection to. `peer` is host:port; `id` names it until its hello tells its uid. */
export interface PeerAddress {
  readonly id: string;
  readonly peer: string;
}

export interface TransportHandlers {
  /**
   * A connection to `peer` stands, hellos exchanged (same cluster, `peer` as it calls itself now). `link` is a number
   * that this process never used before. At most one link per uid is open at a time: when another takes its place,
   * `disconnected` of the older comes first. `api` is the base URL of its HTTP API, where it told one.
   */
  connected(link: number, peer: Member, api?: string): void;
  /** Nothing of this link arrives any more, and nothing sent on it from now on will. Called once per `connected`. */
  disconnected(link: number): void;
  /** Messages of one link arrive in the order sent, each at most once, without holes up to the break. */
  message(link: number, message: Message): void;
  /**
   * The clock of `uid` said `wallMs`, milliseconds since 1970, `agoMs` before now or earlier. Called with each connection, right after
   * `connected`, and then about twice a second; never where its version does not tell its clock.
   */
  clock(uid: string, wallMs: number, agoMs: number): void;
  /** A heartbeat of `uid`; late and lost ones are no harm. Never of the logger itself. */
  beat(uid: string, beat: Beat): void;
}

export interface Transport {
  /** Listens and connects; nothing is called before. */
  start(handlers: TransportHandlers): void;
  /**
   * The peers to dial and redial (with jittered backoff of at most about a second, the first attempts at once); replaces
   * the former list. Others that dial in are accepted too. Own address and duplicates are skipped.
   */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Queues a message, in order. On a link that is gone it is dropped without a word: `disconnected` tells. The caller
   * bounds what is in flight (a window per follower); Buffers in it must not be changed or copied.
   */
  send(link: number, message: Message): void;
  /**
   * What heartbeats say from now on: sent to every connected peer each `heartbeatMs`, and at once when this is called. Kept
   * off the busy path, but not sent when for `suspectMs` the event loop has not turned and `stepped` was not called, or for five
   * times as long the loop has not turned: a stuck leader must look dead.
   */
  setBeat(beat: Beat): void;
  /** To be called for each event that is taken in. Costs next to nothing. */
  stepped(): void;
  /** Closes everything; no handler is called afterwards. */
  close(): Promise<void>;
}
