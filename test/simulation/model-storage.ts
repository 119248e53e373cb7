// The model log behind the machine's storage.

import type { Storage } from './machine.ts';
import {
  crashVolume,
  emptyVolume,
  type ModelFlaws,
  ModelLog,
  ModelState,
  type ModelVolume,
} from './model-log.ts';
import type { Owner, World } from './world.ts';

export class ModelStorage implements Storage {
  readonly #world: World;
  readonly #flaws: ModelFlaws;
  #volume: ModelVolume;

  constructor(world: World, flaws: ModelFlaws = {}) {
    this.#world = world;
    this.#flaws = flaws;
    this.#volume = emptyVolume(world.random.uuid());
  }

  async open(owner: Owner): Promise<{ log: ModelLog; state: ModelState }> {
    // The former process may still hold promises that change its volume: it gets a copy that nobody else has.
    this.#volume = { ...this.#volume };
    return {
      log: new ModelLog(this.#volume, this.#world, owner, this.#flaws),
      state: new ModelState(this.#volume, this.#world, owner),
    };
  }

  failSync: string | null = null;

  keeps: Storage['keeps'] = null;

  /** The model has no bits to flip. */
  damage(): void {}
  spoilTail(): void {}

  crash(): void {
    crashVolume(this.#volume, this.#world);
  }

  wipe(): void {
    this.#volume = emptyVolume(this.#world.random.uuid());
  }

  get slow(): { recordsMs: number; pairsMs: number; stateMs: number } {
    return this.#volume.slow;
  }
  get full(): boolean {
    return this.#volume.full;
  }
  set full(full: boolean) {
    this.#volume.full = full;
  }
}
