// What the calls of one client share: connections, what is known of the leader, and the watch of Consul. Writes go to the
// leader; reads go to any logger and have addresses of their own, so that a reader that moves on takes no writer along.
import { Addresses } from './addresses.ts';
import type { AppendStream } from './append-stream.ts';
import { AppendStreams } from './append-streams.ts';
import { attempt, type Call, GIVEN_UP, Superseded, type Tried } from './attempt.ts';
import { watchRegister } from './consul-watch.ts';
import type { RetryReason } from './errors.ts';
import { type CallPolicy, Exchange, type Exchanged, type Failed } from './exchange.ts';
import { Http } from './http.ts';
import { linked } from './linked.ts';
import { Scout, SILENT_MS } from './scout.ts';
import { type ConsulSettings, type Settings, settingsOf } from './settings.ts';
import type { ClientOptions } from './types.ts';

export interface Policy extends Omit<CallPolicy, 'signal'> {
  readonly signal?: AbortSignal | undefined;
}

export class Connection {
  readonly settings: Settings;
  readonly #http: Http;
  /** Of its own, since Consul's authorities are its own. */
  readonly #consulHttp: Http | null;
  readonly #leader: Addresses;
  readonly #readers: Addresses;
  readonly #scout: Scout;
  readonly #streams: AppendStreams;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;

  constructor(options: ClientOptions) {
    this.settings = settingsOf(options);
    const { seeds, consul, connectTimeoutMs, access, httpsOnly, dial } = this.settings;
    if (seeds.length === 0 && consul === null) throw new TypeError('neither target nor consul is given');
    this.#http = new Http(connectTimeoutMs, access, dial);
    this.#leader = new Addresses(seeds, httpsOnly);
    this.#readers = new Addresses(seeds, httpsOnly);
    this.#scout = new Scout(this.#http, this.#leader);
    this.#streams = new AppendStreams(this.settings, this.#leader, this.#scout);
    const consulHttp = consul && new Http(connectTimeoutMs, consul);
    this.#consulHttp = consulHttp;
    this.#watching = consulHttp
      ? watchRegister(
          consulHttp,
          consul,
          {
            onLeader: (leader) =>
              leader === null ? this.#tellUnregistered(consul) : this.#learn(leader.api, leader.epoch),
            onError: (detail) => this.#tell('consul-failed', detail),
          },
          this.#closing.signal,
        )
      : Promise.resolve();
  }

  /** Makes the call until it is answered; `failed` is its first attempt, made over a stream. Rejects with ClientError. */
  async exchange<T>(call: Call<T>, policy: Policy, failed: Failed | null = null): Promise<Exchanged<T>> {
    const { retryMaxMs, onRetry } = this.settings;
    const around = {
      http: this.#http,
      addresses: policy.leaderOnly ? this.#leader : this.#readers,
      scout: this.#scout,
      retryMaxMs,
      onRetry,
    };
    const link = linked([this.#closing.signal, ...(policy.signal ? [policy.signal] : [])]);
    try {
      return await new Exchange(around, call, { ...policy, signal: link.signal }).run(failed);
    } finally {
      link.release();
    }
  }

  /** The given addresses and those of the loggers that a status told. */
  get knownAddresses(): readonly string[] {
    return this.#leader.known;
  }

  /**
   * One attempt of a write at the leader, if one is known and takes requests now; null otherwise: nothing was sent then. Never
   * rejects: ended by `signal` it is GIVEN_UP. It ends early, as superseded, when another leader becomes known; others are asked who leads once `oldest`
   * has resolved: nobody asks for it then.
   */
  async tryOnce<T>(call: Call<T>, signal: AbortSignal, oldest: Promise<void>): Promise<Tried<T> | null> {
    const { leader: url } = this.#leader;
    const picked = this.#leader.pick();
    if (url === null || picked === null || picked.waitMs > 0) return null;
    const link = linked([signal, this.#closing.signal]);
    const stops = [
      this.#leader.onLeader((other) => {
        if (other !== url) link.abort(new Superseded(`${other} leads now`));
      }),
    ];
    let over = false;
    void oldest.then(() => {
      if (!over) stops.push(this.#scout.watch(url, SILENT_MS));
    });
    try {
      const result = await attempt(this.#http, url, call, link.signal);
      if (result.kind === 'retry') {
        const { reason, detail } = result;
        this.settings.onRetry({ reason, detail, url, attempt: 1 });
      } else if (result.kind === 'redirect' && result.to !== url) this.#leader.redirected(url, result.to);
      return { ...result, url };
    } catch {
      return { ...GIVEN_UP, url };
    } finally {
      over = true;
      for (const stop of stops) stop();
      link.release();
    }
  }

  /** The stream to the leader, if a batch of this size may go there now. */
  streamFor(sizeBytes: number): AppendStream | null {
    return this.#streams.for(sizeBytes);
  }

  /** `url` acknowledged a write as the leader of `epoch`. */
  acknowledged(url: string, epoch: number): void {
    this.#leader.succeeded(url, epoch);
    this.#streams.acknowledged(url);
    this.#scout.learnFrom(url, epoch, this.#closing.signal);
  }

  /** Reads go on at another logger, where there is one. */
  nextReader(url: string): void {
    if (this.settings.seeds.length > 0) this.#readers.failed(url, 0);
  }

  /** Ends all calls as aborted and closes all connections. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the client was closed'));
    this.#streams.close();
    await this.#watching;
    await Promise.all([this.#http.close(), this.#consulHttp?.close()]);
  }

  #tellUnregistered({ cluster }: ConsulSettings): void {
    this.#tell('leader-unknown', `Consul has no register of the cluster ${JSON.stringify(cluster)}`);
  }

  /** Of the watch, which goes on by itself. */
  #tell(reason: RetryReason, detail: string): void {
    this.settings.onRetry({ reason, detail, url: null, attempt: 1 });
  }

  #learn(url: string, epoch: number): void {
    this.#leader.learn(url, epoch);
    if (this.settings.seeds.length === 0) this.#readers.learn(url, epoch);
  }
}
