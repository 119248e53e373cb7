// Disks: wiped, full, slow. In the lab a volume is a folder of the host, so a file system of its own can be put in its place
// while the logger is frozen; when its container is killed, the next one finds itself on that.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import { run } from '../../support/cluster.ts';
import { API_PORT } from '../../support/kube-stack.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Forgotten, type Strike, strike } from '../fault.ts';
import { valueIn } from '../gauges.ts';
import { loggerUrl } from '../load.ts';

const FULL_MS = 10_000;
const SLOW_MS = 20_000;
const SMALL_DISK = '96M';
const ROOM_LEFT_BYTES = 64 * 1024;
/** With journal and data each sync is several writes. */
const SLOW_WRITES_PER_SECOND = 10;
/** Of a sync, in the mean; without the limit it is about 2 ms here. */
const SLOW_LEAST_MS = 25;
const SEEN_MS = 5000;
const SYNCS = 'distributed_logger_log_fsync_duration_seconds';
const KERNEL_THROTTLE = 'blkio.throttle.write_iops_device';

export const indexOf = (pod: string): number => Number(/-(\d+)$/.exec(pod)?.[1]);

export async function folderOf(arena: Arena, pod: string): Promise<string> {
  const claim = await arena.namespace.get<{ spec: { volumeName: string } }>('pvc', `data-${pod}`);
  const volume = await arena.namespace.get<{ spec: { hostPath?: { path: string } } }>(
    'pv',
    claim.spec.volumeName,
  );
  const { path } = volume.spec.hostPath ?? {};
  if (path === undefined) throw new Error(`the volume of ${pod} is no folder of this machine`);
  return path;
}

/** Frozen, the logger writes nothing while `change` works on its folder; its container is started anew after that. */
export async function whileDown(arena: Arena, pod: string, change: () => Promise<void>): Promise<void> {
  await arena.signal(pod, 'logger', 'SIGSTOP');
  try {
    await change();
  } finally {
    await arena.signal(pod, 'logger', 'SIGKILL');
  }
}

async function wipe(arena: Arena, pod: string, newLeader: boolean): Promise<Strike> {
  const folder = await folderOf(arena, pod);
  const forgotten: Forgotten[] = [];
  return strike({
    target: pod,
    newLeader,
    forgets: () => forgotten,
    make: async () => {
      const began = historyNow();
      await whileDown(arena, pod, async () => {
        await run('find', [folder, '-mindepth', '1', '-delete']);
        forgotten.push({ url: loggerUrl(indexOf(pod)), atMs: historyNow() });
      });
      return began;
    },
  });
}

/** A file system of its own, with what is in the folder, in the folder's place. */
class OwnDisk {
  readonly #arena: Arena;
  readonly #pod: string;
  readonly #folder: string;
  #work = '';
  device = '';

  constructor(arena: Arena, pod: string, folder: string) {
    this.#arena = arena;
    this.#pod = pod;
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  async mount(): Promise<void> {
    this.#work = await mkdtemp(join(tmpdir(), 'dlog-disk-'));
    const image = join(this.#work, 'image');
    const staging = join(this.#work, 'staging');
    await run('truncate', ['--size', SMALL_DISK, image]);
    await run('mkfs.ext4', ['-q', '-m', '0', image]);
    this.device = (await run('losetup', ['--find', '--show', image])).trim();
    await run('mkdir', [staging]);
    await run('mount', [this.device, staging]);
    await whileDown(this.#arena, this.#pod, async () => {
      await run('cp', ['--archive', `${this.#folder}/.`, staging]);
      await run('chmod', ['777', staging]);
      await run('umount', [staging]);
      await run('mount', [this.device, this.#folder]);
    });
  }

  /** What is on it goes back into the folder. */
  async unmount(): Promise<void> {
    await whileDown(this.#arena, this.#pod, async () => {
      const copy = join(this.#work, 'copy');
      await run('cp', ['--archive', this.#folder, copy]);
      await run('umount', ['--lazy', this.#folder]);
      await run('find', [this.#folder, '-mindepth', '1', '-delete']);
      await run('cp', ['--archive', `${copy}/.`, this.#folder]);
    });
    await run('losetup', ['--detach', this.device]);
    await rm(this.#work, { recursive: true });
  }
}

async function ownDisk(arena: Arena, pod: string): Promise<OwnDisk> {
  const disk = new OwnDisk(arena, pod, await folderOf(arena, pod));
  await disk.mount();
  await arena.whole();
  return disk;
}

function fill(pod: string, disk: OwnDisk): Strike {
  const filler = join(disk.folder, `filler-${randomBytes(3).toString('hex')}`);
  return strike({
    target: pod,
    make: async () => {
      // It ends with an error when the disk is full, as it should be.
      await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64K']).catch(() => undefined);
      await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1', 'oflag=append', 'conv=notrunc']).catch(
        () => undefined,
      );
      await run('sync', ['--file-system', filler]);
      const { bavail, bsize } = await statfs(disk.folder);
      assert.ok(bavail * bsize < ROOM_LEFT_BYTES, `${bavail * bsize} bytes are free`);
      return historyNow();
    },
    holdMs: FULL_MS,
    heal: () => rm(filler, { force: true }),
    restore: () => disk.unmount(),
  });
}

async function syncs(arena: Arena, pod: string): Promise<{ count: number; seconds: number }> {
  const text = await arena.namespace.httpGet(pod, API_PORT, '/metrics');
  return { count: valueIn(text, `${SYNCS}_count`), seconds: valueIn(text, `${SYNCS}_sum`) };
}

/** The kernel's own limit of writes a second, for the logger's control group and for the kernel threads that write its journal. */
async function slow(arena: Arena, pod: string, disk: OwnDisk): Promise<Strike> {
  const { rdev } = await stat(disk.device);
  const device = `${rdev >> 8}:${rdev & 0xff}`;
  const pid = await arena.pid(pod, 'logger');
  const group = /^\d+:blkio:(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  if (group === undefined) throw new Error(`${pod} is in no control group of block devices`);
  const limit = async (writesPerSecond: number): Promise<void> => {
    for (const name of ['/', group])
      await writeFile(join('/sys/fs/cgroup/blkio', name, KERNEL_THROTTLE), `${device} ${writesPerSecond}`);
  };
  return strike({
    target: `${pod} at ${SLOW_WRITES_PER_SECOND} writes a second`,
    make: async () => {
      const began = historyNow();
      await limit(SLOW_WRITES_PER_SECOND);
      return began;
    },
    holdMs: SLOW_MS,
    // The limit is not believed but seen, by the logger's own figure of its syncs.
    during: async () => {
      const before = await syncs(arena, pod);
      await sleep(SEEN_MS);
      const { count, seconds } = await syncs(arena, pod);
      const meanMs = ((seconds - before.seconds) / (count - before.count)) * 1000;
      console.log(`${pod}: ${count - before.count} syncs of ${meanMs.toFixed(1)} ms in the mean`);
      assert.ok(count === before.count || meanMs > SLOW_LEAST_MS, 'the disk is not slow');
    },
    heal: () => limit(0),
    restore: () => disk.unmount(),
  });
}

export const someFollower = async (arena: Arena): Promise<string> => {
  const [follower] = await arena.followers();
  if (follower === undefined) throw new Error('no follower');
  return follower.name;
};

/** The pod on its own disk must lead; exchanging the disk has cost it the leadership, so it is handed back. */
async function leaderOnOwnDisk(arena: Arena): Promise<{ pod: string; disk: OwnDisk }> {
  const pod = await someFollower(arena);
  const disk = await ownDisk(arena, pod);
  await arena.lead(pod);
  return { pod, disk };
}

export const DISKS: readonly Fault[] = [
  {
    name: 'volume wiped, a follower',
    needs: 'lab',
    alone: true,
    goal: { gapMs: 600 },
    prepare: async (arena) => wipe(arena, await someFollower(arena), false),
  },
  {
    name: 'volume wiped, the leader',
    needs: 'lab',
    alone: true,
    goal: { gapMs: 1500 },
    prepare: async (arena) => wipe(arena, (await arena.leader()).name, true),
  },
  {
    name: 'disk full and freed, a follower',
    needs: 'lab',
    alone: true,
    goal: { gapMs: 300, noFailure: true },
    prepare: async (arena) => {
      const pod = await someFollower(arena);
      return fill(pod, await ownDisk(arena, pod));
    },
  },
  {
    name: 'disk full and freed, the leader',
    needs: 'lab',
    alone: true,
    prepare: async (arena) => {
      const { pod, disk } = await leaderOnOwnDisk(arena);
      return fill(pod, disk);
    },
  },
  {
    name: 'slow disk, a follower',
    needs: 'lab',
    alone: true,
    goal: { gapMs: 300, noFailure: true },
    prepare: async (arena) => {
      const pod = await someFollower(arena);
      return slow(arena, pod, await ownDisk(arena, pod));
    },
  },
  {
    name: 'slow disk, the leader',
    needs: 'lab',
    alone: true,
    prepare: async (arena) => {
      const { pod, disk } = await leaderOnOwnDisk(arena);
      return slow(arena, pod, disk);
    },
  },
];
