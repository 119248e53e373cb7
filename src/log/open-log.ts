// Opening a data directory: locked, then what it holds is either believed or put aside. The state file says whose log
// this is; it is the last thing written when a directory is made, and the first one changed when a log is given up, so
// that no crash ever leaves an old identity on a log that lost records.

import { RECENT_BYTES, RESERVE_BYTES, UNWRITTEN_MAX_BYTES } from '../limits.ts';
import { Content } from './content.ts';
import { createLog, isUnused } from './create-log.ts';
import { LogDamagedError } from './damage.ts';
import { type Disk, vouched } from './disk.ts';
import { DurableLog } from './durable-log.ts';
import { Fatal } from './fatal.ts';
import { LOG_DIRECTORY, QUARANTINE_PREFIX } from './names.ts';
import { lastEpoch } from './pairs.ts';
import { LogReader } from './reader.ts';
import { type RecoveredLog, recover } from './recover.ts';
import { Room } from './room.ts';
import { SegmentFiles } from './segment-files.ts';
import { storeNames } from './small-file.ts';
import { DurableState, type Identity, loadState, NOTHING_PROMISED, saveState } from './state-file.ts';
import type { StateFile } from './types.ts';
import { Window } from './window.ts';
import { Writer } from './writer.ts';

export const SEGMENT_SIZE_BYTES = 128 * 1024 * 1024;

export interface OpenOptions {
  readonly disk: Disk;
  /** The data directory; made when it does not exist. */
  readonly directory: string;
  /** For the identity of a new or quarantined log. */
  readonly randomUuid: () => string;
  /** Called once, when the log cannot go on: the process should end. Every later call fails. */
  readonly onFatal: (error: Error) => void;
  /** Resolves when it may be worth trying again on a full disk (a second or so); rejects when `signal` aborts. */
  readonly waitForRoom: (signal: AbortSignal) => Promise<void>;
  /** Called once, when a read finds damage: bytes that were durable are not what they were. The log goes on. */
  readonly onDamage?: (error: Error) => void;
  readonly segmentSizeBytes?: number;
  readonly recentBytes?: number;
  readonly reserveBytes?: number;
  readonly unwrittenMaxBytes?: number;
}

export interface Quarantine {
  readonly reason: string;
  /** Where the former log is now, in the data directory; null when there was none any more. */
  readonly folder: string | null;
  /** Null when the state file could not be read. */
  readonly formerUid: string | null;
}

/** What was found in the directory. */
export interface Recovery {
  /** The directory was empty. */
  readonly created: boolean;
  /** The log could not be believed: this is a new, empty one with a uid of its own. */
  readonly quarantine: Quarantine | null;
  readonly tornBytes: number;
  /** What was odd about the tail that was cut; null where it was not. The log is uncertain then. */
  readonly oddTail: string | null;
  readonly droppedPairs: number;
  readonly resumedReset: boolean;
}

export interface OpenedLog {
  readonly log: DurableLog;
  readonly state: StateFile;
  readonly recovered: Recovery;
}

/** Opens the log in a data directory. Rejects with DirectoryLockedError while another process uses it. */
export async function openLog(options: OpenOptions): Promise<OpenedLog> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(directory);
  try {
    const found = await findLog(options);
    const fatal = new Fatal(options.onFatal);
    const state = new DurableState(disk, directory, found.identity, fatal);
    const { mark, tornBytes, oddTail, droppedPairs, resumedReset } = found.log;
    try {
      const parts = await assemble(options, found.log, fatal);
      const { unwrittenMaxBytes = UNWRITTEN_MAX_BYTES } = options;
      const { uid } = found.identity;
      const log = new DurableLog({ ...parts, uid, fatal, state, lock, unwrittenMaxBytes });
      const { created, quarantine } = found;
      const recovered = { created, quarantine, tornBytes, oddTail, droppedPairs, resumedReset };
      return { log, state, recovered };
    } catch (error) {
      await mark.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface Found {
  readonly identity: Identity;
  readonly log: RecoveredLog;
  readonly created: boolean;
  readonly quarantine: Quarantine | null;
}

async function findLog({ disk, directory, randomUuid }: OpenOptions): Promise<Found> {
  const path = `${directory}/${LOG_DIRECTORY}`;
  // Names that only the page cache knows yet are relied upon from here on.
  await storeNames(disk, directory);
  const state = await loadState(disk, directory);
  if (state === 'missing' && (await isUnused(disk, path))) {
    await createLog(disk, directory);
    const identity = { uid: randomUuid(), value: NOTHING_PROMISED };
    await saveState(disk, directory, identity);
    return { identity, log: await recover(disk, path, noTail), created: true, quarantine: null };
  }
  try {
    if (state === 'missing' || state === 'damaged') throw new LogDamagedError(`the state file is ${state}`);
    const { uid, value } = state;
    let identity = state;
    // Before the tail is cut: from then on only the state file tells that there was one.
    const log = await recover(disk, path, async () => {
      identity = { uid, value: { ...value, uncertain: true } };
      await saveState(disk, directory, identity);
    });
    await assertPromised(log, state);
    return { identity, log, created: false, quarantine: null };
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    const formerUid = typeof state === 'string' ? null : state.uid;
    return await startOver(disk, directory, { reason: error.message, formerUid, uid: randomUuid() });
  }
}

/** A log that was just made has none. */
const noTail = (): Promise<void> => Promise.reject(new Error('a new log has a tail'));

/** A promise is stored before the log gets its epoch. A log that is ahead of it proves that a promise was forgotten. */
async function assertPromised({ pairs, mark }: RecoveredLog, { value }: Identity): Promise<void> {
  const epoch = lastEpoch(pairs);
  if (epoch <= value.promisedEpoch) return;
  await mark.close();
  throw new LogDamagedError(`the log is of epoch ${epoch}, the last promise of ${value.promisedEpoch}`);
}

/**
 * Puts the log aside and begins an empty one under a new uid: a new member, which nobody takes for the one that
 * promised, acknowledged and forgot. The new uid comes first: a crash after it finds the damage again, at worst.
 */
async function startOver(
  disk: Disk,
  directory: string,
  { reason, formerUid, uid }: { reason: string; formerUid: string | null; uid: string },
): Promise<Found> {
  const identity = { uid, value: NOTHING_PROMISED };
  await saveState(disk, directory, identity);
  const names = await disk.list(directory);
  const folder = names.includes(LOG_DIRECTORY) ? `${QUARANTINE_PREFIX}${uid}` : null;
  if (folder !== null) {
    await disk.rename(`${directory}/${LOG_DIRECTORY}`, `${directory}/${folder}`);
    await vouched(disk.syncDirectory(directory));
  }
  await createLog(disk, directory);
  const log = await recover(disk, `${directory}/${LOG_DIRECTORY}`, noTail);
  return { identity, log, created: false, quarantine: { reason, folder, formerUid } };
}

async function assemble(options: OpenOptions, recovered: RecoveredLog, fatal: Fatal) {
  const { disk, waitForRoom, reserveBytes = RESERVE_BYTES } = options;
  const directory = `${options.directory}/${LOG_DIRECTORY}`;
  const { segments, end, pairs, producers, mark } = recovered;
  const window = new Window(options.recentBytes ?? RECENT_BYTES);
  const segmentSizeBytes = options.segmentSizeBytes ?? SEGMENT_SIZE_BYTES;
  const content = new Content({ segments, window, segmentSizeBytes, end, pairs, producers });
  const files = new SegmentFiles(disk, directory, content, segmentSizeBytes);
  const room = new Room({ disk, directory, reserveBytes, waitForRoom });
  const writer = new Writer({ content, files, mark, room, fatal });
  const reader = new LogReader(disk, directory, content, options.onDamage ?? (() => {}));
  await writer.lookForRoom();
  return { disk, directory, content, files, mark, reader, writer, room };
}
