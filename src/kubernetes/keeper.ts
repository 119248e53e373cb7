// Keeps pod labels as the logger's role wants them: one loop that compares what is seen with what is wanted, mends
// the difference, and looks again after `resyncMs`, or soon when something failed. It is level-triggered: it does not
// matter which change was missed or which call was lost. A new wish interrupts whatever the loop is doing, and acts on
// the pods as last seen, since a stale view costs one refused patch while reading first costs a round trip.

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { isStale, type KubernetesApi } from './api.ts';
import { delayMs } from './backoff.ts';
import { EventRecorder } from './events.ts';
import { compare, type Pod, type PodPatch, type Wish } from './labels.ts';
import type { KubernetesHooks, LabelKeeper, LabelState, MemberChange } from './types.ts';

/** How long `start` and `stop` wait for the label. */
const SETTLE_DEADLINE_MS = 3000;
const LAST_EVENTS_DEADLINE_MS = 1000;

export interface KeeperOptions {
  readonly api: KubernetesApi;
  readonly podName: string;
  readonly resyncMs: number;
  readonly hooks: KubernetesHooks;
  readonly random?: () => number;
}

/** How a comparison ended: nothing left to mend, look again at once, or something failed. */
type Pass = 'settled' | 'again' | 'failed';

export class PodLabelKeeper implements LabelKeeper {
  readonly #options: KeeperOptions;
  readonly #events: EventRecorder;
  readonly #ended = new AbortController();
  #interrupt = new AbortController();
  #running: Promise<void> | null = null;
  #wish: Wish = { role: 'follower' };
  /** Set with a new wish: act on the pods as last seen, then verify. */
  #hasty = false;
  #pods: readonly Pod[] = [];
  #failures = 0;
  #inSync = false;
  #error: string | null = null;
  /** Resolved exactly while `#inSync`. */
  #settled = Promise.withResolvers<void>();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#events = new EventRecorder(options.api);
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
    await this.#untilSettled();
  }

  lead(epoch: number): void {
    if (this.#wish.role === 'leader' && this.#wish.epoch === epoch) return;
    this.#events.record({ reason: 'LeaderElected', epoch });
    this.#change({ role: 'leader', epoch });
  }

  follow(): void {
    if (this.#wish.role === 'follower') return;
    this.#events.record({ reason: 'LeaderLost', epoch: this.#wish.epoch });
    this.#change({ role: 'follower' });
  }

  tell(change: MemberChange): void {
    this.#events.record(change);
    // Else the event would wait for the next comparison, seconds away.
    if (this.#own !== undefined) void this.#events.flush(this.#own, this.#ended.signal);
  }

  state(): LabelState {
    return {
      enabled: true,
      wanted: this.#wish.role,
      observed: this.#own?.role ?? null,
      inSync: this.#inSync,
      error: this.#error,
    };
  }

  async stop(): Promise<void> {
    this.follow();
    // With the API server away there is nothing to wait for if the label was right when last seen.
    if (this.#running !== null && this.#own?.role !== this.#wish.role) await this.#untilSettled();
    if (this.#own !== undefined && this.#inSync) {
      await this.#events.flush(this.#own, AbortSignal.timeout(LAST_EVENTS_DEADLINE_MS));
    }
    this.#ended.abort();
    this.#interrupt.abort();
    await this.#running;
  }

  get #own(): Pod | undefined {
    return this.#pods.find((pod) => pod.name === this.#options.podName);
  }

  #change(wish: Wish): void {
    this.#wish = wish;
    this.#hasty = true;
    this.#failures = 0;
    this.#setInSync(false);
    this.#interrupt.abort();
  }

  async #run(): Promise<void> {
    const { resyncMs, random = Math.random } = this.#options;
    while (!this.#ended.signal.aborted) {
      this.#interrupt = new AbortController();
      const { signal } = this.#interrupt;
      try {
        const pass = await this.#pass(this.#wish, signal);
        this.#failures = pass === 'settled' ? 0 : this.#failures + 1;
        // A pod that changes under every patch is not chased without a pause.
        if (pass === 'again' && this.#failures === 1) continue;
        await sleep(delayMs(this.#failures, resyncMs, random), undefined, { signal });
      } catch (error) {
        // Only a newer wish, or the end, interrupts; `#pass` reports all else itself.
        if (!signal.aborted) throw error;
      }
    }
  }

  async #pass(wish: Wish, signal: AbortSignal): Promise<Pass> {
    const hasty = this.#hasty && this.#own !== undefined;
    this.#hasty = false;
    try {
      if (!hasty) this.#pods = await this.#read(signal);
      const { patches, supersededBy } = compare(wish, this.#options.podName, this.#pods);
      if (patches.length > 0) this.#setInSync(false);
      const stale = await this.#mendAll(patches, signal);
      if (hasty || stale) return 'again';
      this.#setError(supersededBy === null ? null : `epoch ${supersededBy} was decided by another logger`);
      this.#setInSync(supersededBy === null);
    } catch (error) {
      signal.throwIfAborted();
      this.#setError(messageOf(error));
      this.#setInSync(false);
      return 'failed';
    }
    if (this.#own !== undefined) void this.#events.flush(this.#own, this.#ended.signal);
    return 'settled';
  }

  async #read(signal: AbortSignal): Promise<readonly Pod[]> {
    const { api, podName } = this.#options;
    const pods = await api.pods(signal);
    if (!pods.some((pod) => pod.name === podName)) {
      throw new Error(`pod ${podName} is not among the pods of the selector`);
    }
    return pods;
  }

  /** Waits for all, so that no pod ever has two patches under way; whether one of the pods had changed meanwhile. */
  async #mendAll(patches: readonly PodPatch[], signal: AbortSignal): Promise<boolean> {
    const results = await Promise.allSettled(patches.map((patch) => this.#mend(patch, signal)));
    signal.throwIfAborted();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return results.some((result) => result.status === 'fulfilled' && result.value);
  }

  /** Whether the pod has changed since it was read. Throws what else went wrong. */
  async #mend(patch: PodPatch, signal: AbortSignal): Promise<boolean> {
    const { api, hooks } = this.#options;
    const beganMs = performance.now();
    const ended = (result: 'ok' | 'conflict' | 'error') =>
      hooks.onPatch({ result, seconds: (performance.now() - beganMs) / 1000 });
    try {
      const patched = await api.patch(patch, signal);
      this.#pods = this.#pods.map((pod) => (pod.name === patched.name ? patched : pod));
      ended('ok');
      return false;
    } catch (error) {
      // What a newer wish cut short has no result.
      if (signal.aborted) return false;
      const stale = isStale(error);
      ended(stale ? 'conflict' : 'error');
      if (stale) return true;
      throw error;
    }
  }

  #setInSync(inSync: boolean): void {
    if (inSync === this.#inSync) return;
    this.#inSync = inSync;
    if (inSync) this.#settled.resolve();
    else this.#settled = Promise.withResolvers<void>();
    this.#options.hooks.onSync(inSync);
  }

  #setError(error: string | null): void {
    if (error === this.#error) return;
    this.#error = error;
    this.#options.hooks.onError(error);
  }

  async #untilSettled(): Promise<void> {
    await Promise.race([this.#settled.promise, sleep(SETTLE_DEADLINE_MS, undefined, { ref: false })]);
  }
}
