// A copy of a data directory holds a promise and a log of the past, so it must not be taken for the logger it was made from:
// that one may have promised and acknowledged more since, and is counted on for it (rule 6). Under a uid of its own the copy
// is a new member, whose log is only a head start: it counts once it has caught up, or by an operator's word.

import type { Disk } from './disk.ts';
import { STATE_FILE } from './names.ts';
import { loadState, saveState } from './state-file.ts';

export interface RenewOptions {
  readonly disk: Disk;
  /** The data directory; it exists, and no logger runs on it. */
  readonly directory: string;
  readonly randomUuid: () => string;
}

/**
 * Gives the data directory a new uid and keeps its log and promise; durable when it resolves. Rejects with
 * DirectoryLockedError while a logger uses the directory, and with an Error where no state file can be read.
 */
export async function renewIdentity(options: RenewOptions): Promise<{ formerUid: string; uid: string }> {
  const { disk, directory, randomUuid } = options;
  // Looked for before the lock is taken, which leaves files in whatever directory it is pointed at.
  const names = await disk.list(directory);
  if (!names.includes(STATE_FILE))
    throw new Error(`${directory} holds no state file: it is no data directory`);
  const lock = await disk.lock(directory);
  try {
    const state = await loadState(disk, directory);
    if (typeof state === 'string')
      throw new Error(
        `the state file in ${directory} is ${state}: without it a logger starts as a new member`,
      );
    const { uid: formerUid, value } = state;
    const uid = randomUuid();
    // The copy knows itself as a member under its new uid: a lost register may be rebuilt from it, if an operator says so.
    const members = value.members.map((member) => (member.uid === formerUid ? { ...member, uid } : member));
    await saveState(disk, directory, { uid, value: { ...value, members } });
    return { formerUid, uid };
  } finally {
    await lock.release();
  }
}
