// The addresses to keep links to, each dialled until there is one.
import { PEERS_MAX } from './limits.ts';
import { Redial } from './redial.ts';
import type { PeerAddress } from './types.ts';

interface Target extends PeerAddress {
  readonly redial: Redial;
}

const keyOf = ({ id, peer }: PeerAddress): string => `${id} ${peer}`;

export class Targets {
  readonly #dial: (peer: PeerAddress, redial: Redial, signal: AbortSignal) => void;
  readonly #random: () => number;
  #targets: readonly Target[] = [];
  #started = false;

  constructor(dial: (peer: PeerAddress, redial: Redial, signal: AbortSignal) => void, random: () => number) {
    this.#dial = dial;
    this.#random = random;
  }

  /** Replaces the list. When it differs from the former, all that have no link are dialled at once. */
  set(peers: readonly PeerAddress[]): void {
    const wanted = new Map(peers.map((peer) => [keyOf(peer), peer] as const));
    if (wanted.size > PEERS_MAX) throw new RangeError(`${wanted.size} peers are more than ${PEERS_MAX}`);
    const present = new Map(this.#targets.map((target) => [keyOf(target), target] as const));
    if (wanted.size === present.size && [...wanted.keys()].every((key) => present.has(key))) return;
    for (const [key, target] of present) if (!wanted.has(key)) target.redial.stop();
    this.#targets = [...wanted].map(([key, peer]) => present.get(key) ?? this.#target(peer));
    if (this.#started) for (const { redial } of this.#targets) redial.afresh();
  }

  start(): void {
    this.#started = true;
    for (const { redial } of this.#targets) redial.now();
  }

  /** The link to the logger with that id is gone. */
  lost(lostId: string, stoodMs: number): void {
    for (const { id, redial } of this.#targets) if (id === lostId) redial.lost(stoodMs);
  }

  stop(): void {
    for (const { redial } of this.#targets) redial.stop();
    this.#targets = [];
  }

  #target({ id, peer }: PeerAddress): Target {
    const redial = new Redial((signal) => this.#dial({ id, peer }, redial, signal), this.#random);
    return { id, peer, redial };
  }
}
