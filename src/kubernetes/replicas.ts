// How many loggers people want: `spec.replicas` of the StatefulSet, polled, since what counts is what stands there
// now and not how it came about. What was read last stays while the API server is away.

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { KubernetesApi } from './api.ts';
import { delayMs } from './backoff.ts';
import type { ReplicasReader } from './types.ts';

export interface ReplicasOptions {
  readonly api: Pick<KubernetesApi, 'replicas'>;
  readonly statefulSet: string;
  readonly resyncMs: number;
  readonly random?: () => number;
}

export class StatefulSetReplicas implements ReplicasReader {
  readonly #options: ReplicasOptions;
  readonly #ended = new AbortController();
  #running: Promise<void> | null = null;
  #replicas: number | null = null;
  #error: string | null = null;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  get replicas(): number | null {
    return this.#replicas;
  }

  get error(): string | null {
    return this.#error;
  }

  start(): void {
    this.#running ??= this.#run(this.#ended.signal);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async refresh(): Promise<void> {
    await this.#read(this.#ended.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { resyncMs, random = Math.random } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#read(signal)) ? 0 : failures + 1;
      // Rejects with nothing but the end.
      await sleep(delayMs(failures, resyncMs, random), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether it could be read; never rejects. */
  async #read(signal: AbortSignal): Promise<boolean> {
    try {
      this.#replicas = await this.#options.api.replicas(this.#options.statefulSet, signal);
      this.#error = null;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#error = messageOf(error);
      return false;
    }
  }
}
