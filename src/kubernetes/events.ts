// Kubernetes events about the own pod, for `kubectl describe` and those who watch a cluster. Best effort: they wait
// for a moment when the API server answers, few of them are kept, and one that is refused again and again is dropped.

import type { Happening, KubernetesApi, PodEvent } from './api.ts';
import type { Pod } from './labels.ts';

const MAX_WAITING = 16;
const MAX_ATTEMPTS = 3;

interface Waiting extends Omit<PodEvent, 'pod'> {
  attempts: number;
}

/** The same for two happenings that are one; short, and fit for the name of an object if the member's name is. */
export function happeningKey(happening: Happening): string {
  const { reason, epoch } = happening;
  const what = `${reason.toLowerCase()}.${epoch}`;
  return 'member' in happening ? `${what}.${happening.revision}.${happening.member}` : what;
}

export class EventRecorder {
  readonly #api: Pick<KubernetesApi, 'createEvent'>;
  readonly #waiting: Waiting[] = [];
  #sending: Promise<void> | null = null;

  constructor(api: Pick<KubernetesApi, 'createEvent'>) {
    this.#api = api;
  }

  /** What waits already is not told twice; beyond the bound the oldest goes. */
  record(happening: Happening): void {
    const key = happeningKey(happening);
    if (this.#waiting.some((event) => happeningKey(event.happening) === key)) return;
    if (this.#waiting.length === MAX_WAITING) this.#waiting.shift();
    this.#waiting.push({ happening, at: new Date(), attempts: 0 });
  }

  /** Sends what waits, in order, until one fails; never rejects. A call while one is under way joins it. */
  flush(pod: Pod, signal: AbortSignal): Promise<void> {
    this.#sending ??= this.#send(pod, signal).finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #send(pod: Pod, signal: AbortSignal): Promise<void> {
    for (let event = this.#waiting[0]; event !== undefined; event = this.#waiting[0]) {
      event.attempts++;
      const { happening, at } = event;
      const failed = await this.#api.createEvent({ pod, happening, at }, signal).then(
        () => false,
        () => true,
      );
      if (failed && event.attempts < MAX_ATTEMPTS) return;
      const index = this.#waiting.indexOf(event);
      if (index >= 0) this.#waiting.splice(index, 1);
      if (failed) return;
    }
  }
}
