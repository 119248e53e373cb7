// Whether there is a stream to the leader. One is opened behind appends that went well over HTTP: finding the leader, and everything
// that can go wrong meanwhile, is HTTP's; and a client with little to say saves the handshake.
import type { Addresses } from './addresses.ts';
import { type AppendStream, openStream } from './append-stream.ts';
import { type Scout, SILENT_MS } from './scout.ts';
import type { Settings } from './settings.ts';

/** Appends that one address has acknowledged before a stream to it pays. */
const FIRST_ACKNOWLEDGED = 10;
/** An address that has no stream to offer, an older logger or a proxy, is not asked again before so many more. */
const NEXT_ACKNOWLEDGED = 10_000;

export class AppendStreams {
  readonly #settings: Settings;
  readonly #addresses: Addresses;
  readonly #scout: Scout;
  #stream: AppendStream | null = null;
  /** Address that acknowledged last, how often in a row, and when a stream to it is tried. */
  #url: string | null = null;
  #acknowledged = 0;
  #openAt = FIRST_ACKNOWLEDGED;
  #opening = false;
  #closed = false;
  #endSearch: (() => void) | null = null;

  constructor(settings: Settings, addresses: Addresses, scout: Scout) {
    this.#settings = settings;
    this.#addresses = addresses;
    this.#scout = scout;
    addresses.onLeader((other) => {
      if (this.#stream !== null && this.#stream.url !== other) this.#stream.supersede(other);
    });
  }

  /** The stream to the leader, if a batch of this size may go there now. */
  for(sizeBytes: number): AppendStream | null {
    const stream = this.#stream;
    if (stream === null || !stream.takes(sizeBytes) || stream.url !== this.#addresses.leader) return null;
    const picked = this.#addresses.pick();
    return picked !== null && picked.waitMs <= 0 ? stream : null;
  }

  /** `url` has acknowledged an append over HTTP. */
  acknowledged(url: string): void {
    // What stands between may speak plain HTTP alone.
    if (this.#settings.dial !== null || this.#stream !== null || this.#opening) return;
    if (url !== this.#url) {
      this.#url = url;
      this.#acknowledged = 0;
      this.#openAt = FIRST_ACKNOWLEDGED;
    }
    this.#acknowledged += 1;
    if (this.#acknowledged >= this.#openAt) void this.#open(url);
  }

  async #open(url: string): Promise<void> {
    this.#opening = true;
    const options = { ...this.#settings, silentMs: SILENT_MS };
    const stream = await openStream(url, options, {
      onSilent: (silent) => this.#onSilent(url, silent),
      onEnd: () => {
        this.#stream = null;
        this.#acknowledged = 0;
        // One that ends again and again is not worth its handshakes.
        this.#openAt = Math.min(2 * this.#openAt, NEXT_ACKNOWLEDGED);
      },
    });
    this.#opening = false;
    if (stream === null) this.#openAt = this.#acknowledged + NEXT_ACKNOWLEDGED;
    else if (this.#closed || this.#addresses.leader !== url) stream.close();
    else this.#stream = stream;
  }

  #onSilent(url: string, silent: boolean): void {
    this.#endSearch?.();
    this.#endSearch = silent ? this.#scout.watch(url, 0) : null;
  }

  close(): void {
    this.#closed = true;
    this.#stream?.close();
  }
}
