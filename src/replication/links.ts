// The links that stand, and which of two is kept. Links are numbered for the life of the process.
import type { Member } from '../replica/types.ts';
import type { Channel } from './channel.ts';
import { type Hello, memberOf, type Refusal } from './hello.ts';
import { SETTLE_MS } from './limits.ts';

let lastNumber = 0;

export class Link {
  readonly number: number;
  readonly peer: Member;
  readonly boot: string;
  readonly beatPort: number;
  readonly api: string | undefined;
  readonly channel: Channel;
  readonly sinceMs = performance.now();

  constructor(channel: Channel, theirs: Hello) {
    lastNumber += 1;
    this.number = lastNumber;
    this.peer = memberOf(theirs);
    this.boot = theirs.boot;
    this.beatPort = theirs.beatPort;
    this.api = theirs.api;
    this.channel = channel;
  }
}

/** The links, by number, uid and id. Invariant: at most one per uid, and at most one per id. */
export class Links {
  readonly #byNumber = new Map<number, Link>();
  readonly #byUid = new Map<string, Link>();
  readonly #byId = new Map<string, Link>();

  get all(): Iterable<Link> {
    return this.#byNumber.values();
  }

  get(number: number): Link | undefined {
    return this.#byNumber.get(number);
  }

  ofUid(uid: string): Link | undefined {
    return this.#byUid.get(uid);
  }

  ofId(id: string): Link | undefined {
    return this.#byId.get(id);
  }

  add(link: Link): void {
    this.#byNumber.set(link.number, link);
    this.#byUid.set(link.peer.uid, link);
    this.#byId.set(link.peer.id, link);
  }

  /** True when it was there. */
  delete(link: Link): boolean {
    if (!this.#byNumber.delete(link.number)) return false;
    this.#byUid.delete(link.peer.uid);
    this.#byId.delete(link.peer.id);
    return true;
  }

  /** Ids and uids are one to one among the links; asked by both sides. */
  conflict({ id, uid }: Hello): Refusal | null {
    if (this.#byId.has(id) && this.#byId.get(id)?.peer.uid !== uid) return 'id-in-use';
    if (this.#byUid.has(uid) && this.#byUid.get(uid)?.peer.id !== id) return 'uid-in-use';
    return null;
  }

  /**
   * Asked by the side that decides. Nobody dials a logger that it has a link to. So when the peer dialled, it either began before
   * the present link stood (both dialled at once), which a young link shows, or it has lost that link without our
   * seeing it. When we dialled, the link came up in the meantime.
   */
  duplicate({ uid, boot }: Hello, dialledByUs: boolean, nowMs: number): boolean {
    const present = this.#byUid.get(uid);
    if (present === undefined || present.boot !== boot) return false;
    return dialledByUs || nowMs - present.sinceMs < SETTLE_MS;
  }
}
