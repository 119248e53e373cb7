// The logger's data directory: opened with the real disk, its syncs measured, and what recovery found told to people.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger as PinoLogger } from 'pino';
import { type Disk, type DiskFile, NodeDisk, openLog, QUARANTINE_PREFIX } from '../log/index.ts';

export type DataDirectory = Awaited<ReturnType<typeof openLog>>;

export interface DataDirectoryOptions {
  readonly directory: string;
  readonly segmentSizeBytes: number;
  readonly out: PinoLogger;
  /** Duration of every fdatasync. */
  readonly onSync: (seconds: number) => void;
  /** What opening it came to. */
  readonly onRecovered: (recovered: Recovered) => void;
  readonly onFatal: (error: Error) => void;
}

const DAMAGE_HINT =
  "Other loggers have these records: replace this logger's volume (docs/how-to/runbooks/log-damaged.md)";

export interface Recovered {
  readonly seconds: number;
  readonly tornBytes: number;
  /** Damaged logs in the directory, put aside now or earlier. */
  readonly quarantines: number;
}

const ROOM_RETRY_MS = 1000;

export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const { directory, segmentSizeBytes, out, onSync, onRecovered, onFatal } = options;
  const disk = new NodeDisk();
  const startedMs = performance.now();
  const opened = await openLog({
    disk: timedDisk(disk, onSync),
    directory,
    segmentSizeBytes,
    randomUuid: randomUUID,
    onFatal,
    onDamage: ({ message }) =>
      out.error({ event: 'log-damaged', damage: message }, `The log is damaged: ${message}. ${DAMAGE_HINT}`),
    waitForRoom: (signal) => sleep(ROOM_RETRY_MS, undefined, { signal }),
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const names = await disk.list(directory);
  const quarantines = names.filter((name) => name.startsWith(QUARANTINE_PREFIX)).length;
  onRecovered({ seconds, tornBytes: opened.recovered.tornBytes, quarantines });
  report(opened, directory, out);
  return opened;
}

function report({ log, recovered }: DataDirectory, directory: string, out: PinoLogger): void {
  const { created, quarantine, tornBytes, oddTail, droppedPairs } = recovered;
  if (created) out.info(`New data directory ${directory}, uid ${log.uid}`);
  if (quarantine)
    out.error(
      { event: 'quarantine', ...quarantine },
      `The log cannot be believed (${quarantine.reason}): it is put aside, and this logger starts as a new member ${log.uid}`,
    );
  if (oddTail !== null)
    out.warn(
      { event: 'uncertain' },
      `Recovery cut ${tornBytes} bytes of an odd tail (${oddTail}): this logger votes again once it has what its leader has`,
    );
  else if (tornBytes > 0 || droppedPairs > 0)
    out.warn(
      `Recovery cut ${tornBytes} bytes that were never acknowledged, and ${droppedPairs} epoch starts beyond the end`,
    );
}

/** The same disk, with the duration of every fdatasync told. */
function timedDisk(disk: NodeDisk, onSync: (seconds: number) => void): Disk {
  const timed = (file: DiskFile): DiskFile => ({
    read: (target, at) => file.read(target, at),
    write: (buffers, at) => file.write(buffers, at),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    extend: (sizeBytes) => file.extend(sizeBytes),
    size: () => file.size(),
    close: () => file.close(),
    async datasync() {
      const startedMs = performance.now();
      await file.datasync();
      onSync((performance.now() - startedMs) / 1000);
    },
  });
  return {
    open: async (path, mode) => timed(await disk.open(path, mode)),
    list: (path) => disk.list(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    freeBytes: (path) => disk.freeBytes(path),
    lock: (path) => disk.lock(path),
  };
}
