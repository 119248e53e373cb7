// Questions to the core that are answered by a later effect: transfers and confirmations of leadership.
import { LoggerError } from '../../errors.ts';
import type { Effect, Event } from '../../replica/index.ts';

interface Asked<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: LoggerError) => void;
}

export class Requests {
  readonly #event: (event: Event) => void;
  readonly #confirms = new Map<number, Asked<void>>();
  #transfers: Asked<{ epoch: number; to: string }>[] = [];
  #last = 0;

  constructor(event: (event: Event) => void) {
    this.#event = event;
  }

  transfer(to: string | null): Promise<{ epoch: number; to: string }> {
    return new Promise((resolve, reject) => {
      this.#transfers.push({ resolve, reject });
      this.#event({ type: 'transfer', to });
    });
  }

  confirm(): Promise<void> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      this.#confirms.set(request, { resolve, reject });
      this.#event({ type: 'confirm', request });
    });
  }

  settle(effect: Extract<Effect, { type: 'transfer-started' | 'transfer-refused' | 'confirmed' }>): void {
    if (effect.type === 'confirmed') {
      const asked = this.#confirms.get(effect.request);
      this.#confirms.delete(effect.request);
      if (effect.ok) asked?.resolve();
      else asked?.reject(new LoggerError('outcome-unknown', 'leadership could not be confirmed'));
      return;
    }
    const transfers = this.#transfers;
    this.#transfers = [];
    for (const { resolve, reject } of transfers) {
      if (effect.type === 'transfer-started') resolve({ epoch: effect.epoch, to: effect.to });
      else reject(new LoggerError('transfer-impossible', effect.reason));
    }
  }

  lost(): void {
    for (const { reject } of this.#confirms.values()) reject(new LoggerError('not-leader'));
    this.#confirms.clear();
    for (const { reject } of this.#transfers) reject(new LoggerError('not-leader'));
    this.#transfers = [];
  }
}
