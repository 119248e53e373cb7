// The product's own log on a disk in memory that keeps only what was synced, tears the rest, may fill up, fail a sync and
// have bits flipped. Every operation takes simulated time.
import type { Log, StateFile } from '../../src/log/index.ts';
import { openLog } from '../../src/log/index.ts';
import { MemoryDisk, type Operation } from '../support/memory-disk.ts';
import type { Storage } from './machine.ts';
import type { Owner, World } from './world.ts';

const DIRECTORY = 'data';
/** Small, so that segments roll, retention has something to drop and followers fall behind what memory holds. */
const SEGMENT_SIZE_BYTES = 4000;
const RECENT_BYTES = 2000;
const RESERVE_BYTES = 20_000;
const ROOM_RETRY_MS = 100;
const MARK_MS = 1000;
/** In the CRC of a batch. */
const SPOILED_BYTE = 18;

const sizeOfBatch = (content: Buffer, at: number): number => content.readInt32BE(at + 8) + 12;

export class DiskStorage implements Storage {
  readonly #world: World;
  #disk = new MemoryDisk();
  #owner: Owner | null = null;
  #full = false;
  failSync: string | null = null;
  keeps: Storage['keeps'] = null;
  slow = { recordsMs: 0, pairsMs: 0, stateMs: 0 };

  constructor(world: World) {
    this.#world = world;
    this.#disk.hooks.add(this.#before);
  }

  async open(owner: Owner, onFatal: (error: Error) => void): Promise<{ log: Log; state: StateFile }> {
    this.#owner = owner;
    const { log, state } = await openLog({
      disk: this.#disk,
      directory: DIRECTORY,
      randomUuid: () => this.#world.random.uuid(),
      onFatal: (error) => owner.alive && onFatal(error),
      waitForRoom: () => this.#world.sleep(ROOM_RETRY_MS, owner),
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      recentBytes: RECENT_BYTES,
      reserveBytes: RESERVE_BYTES,
    });
    const addPair = log.addPair.bind(log);
    log.addPair = async (pair) => {
      await this.#world.sleep(this.slow.pairsMs, owner);
      await addPair(pair);
    };
    const save = (): void => {
      this.#world.after(MARK_MS, owner, () => log.saveMark().then(save, () => undefined));
    };
    save();
    return { log, state };
  }

  readonly #before = ({ kind, path }: Operation): Promise<void> => {
    const { random } = this.#world;
    const isSync = kind === 'datasync' || kind === 'syncDirectory';
    let ms = isSync ? 0.2 + random.next() * 0.5 : 0.02;
    if (isSync && random.chance(0.01)) ms = random.skewed(1, 200);
    if (isSync && path.endsWith('.log')) ms += this.slow.recordsMs;
    if (isSync && path.endsWith('/state')) ms += this.slow.stateMs;
    if (isSync && this.failSync !== null && path.endsWith(this.failSync)) {
      this.failSync = null;
      return this.#world.sleep(ms, this.#owner).then(() => {
        throw Object.assign(new Error('EIO: a sync failed on purpose'), { code: 'EIO' });
      });
    }
    return this.#world.sleep(ms, this.#owner);
  };

  crash(power: boolean): void {
    const { random } = this.#world;
    const keeps = this.keeps ?? random.pick(['none', 'prefix', 'any'] as const);
    if (power) this.#disk.crash({ random: () => random.next(), keeps });
    else this.#disk.kill();
  }

  wipe(): void {
    this.#disk = new MemoryDisk();
    this.#disk.hooks.add(this.#before);
    this.full = this.#full;
  }

  /**
   * Flips a bit somewhere in the files of the log, but not in its last segment: what lies above the recovery mark may look
   * like a torn tail, and such a loss is beyond what one disk can notice.
   */
  damage(): void {
    const { random } = this.#world;
    const files = this.#files(DIRECTORY);
    const last = files
      .filter((path) => path.endsWith('.log'))
      .sort()
      .at(-1);
    const paths = files.filter((path) => path !== last && this.#disk.content(path).length > 0);
    if (paths.length === 0) return;
    const path = random.pick(paths);
    this.#disk.flipBit(path, random.whole(0, this.#disk.content(path).length - 1), random.whole(0, 7));
  }

  spoilTail(): void {
    const path = this.#files(DIRECTORY)
      .filter((file) => file.endsWith('.log'))
      .sort()
      .at(-1);
    if (!path) return;
    const starts: number[] = [];
    const content = this.#disk.content(path);
    for (let at = 0; at < content.length; at += sizeOfBatch(content, at)) starts.push(at);
    const spoiled = starts.at(-2);
    if (spoiled !== undefined) this.#disk.flipBit(path, spoiled + SPOILED_BYTE);
  }

  #files(directory: string): string[] {
    return this.#disk.names(directory).flatMap((name) => {
      const path = `${directory}/${name}`;
      const inside = this.#files(path);
      return inside.length > 0 || (!name.includes('.') && name !== 'state') ? inside : [path];
    });
  }

  get full(): boolean {
    return this.#full;
  }
  set full(full: boolean) {
    this.#full = full;
    this.#disk.capacityBytes = full ? this.#disk.usedBytes + RESERVE_BYTES / 2 : Number.POSITIVE_INFINITY;
  }
}
