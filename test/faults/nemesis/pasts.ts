// Storage that comes back as it was: Consul restored from a snapshot of one age or another, or begun again with nothing; a logger's
// volume put back under the uid that has promised and acknowledged more since then.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyNow } from '../../../src/verify/index.ts';
import { eventually, run } from '../../support/cluster.ts';
import { CONSUL, RECOVERY_MS } from '../../support/kube-stack.ts';
import { type Arena, LOGGER_COUNT } from '../arena.ts';
import { type Fault, type Forgotten, type Strike, strike } from '../fault.ts';
import { loggerUrl } from '../load.ts';
import { folderOf, indexOf, someFollower, whileDown } from './disks.ts';

const SNAPSHOT = '/tmp/past.snap';
const STANDS_MS = 10_000;
const MORE_LOGGERS = 5;
/** What a logger says at its start, with its uid and the end of its log, and all that troubles it afterwards. */
const TELLING = /"event":"started"|"level":[456]0/;

/** `since` is what happens between the snapshot and its return: the older the snapshot, the more of the register it takes back. */
async function restored(
  arena: Arena,
  since: (arena: Arena) => Promise<void>,
  members: number,
): Promise<Strike> {
  const consul = async (...args: readonly string[]): Promise<void> => {
    const { name } = await arena.consulLeader();
    await arena.namespace.kubectl(['exec', name, '--', 'consul', 'snapshot', ...args]);
  };
  const { name } = await arena.consulLeader();
  return strike({
    target: 'Consul',
    make: async () => {
      await arena.consulLeads(name);
      await consul('save', SNAPSHOT);
      await since(arena);
      await arena.consulLeads(name);
      const began = historyNow();
      await consul('restore', SNAPSHOT);
      return began;
    },
    holdMs: STANDS_MS,
    // Whatever the snapshot says, the members are those that the loggers have agreed on since.
    during: () => arena.membersAre(members),
    heal: async () => {
      await arena.namespace.kubectl(['scale', arena.stack.loggerSet, `--replicas=${LOGGER_COUNT}`]);
      await arena.membersAre(LOGGER_COUNT);
    },
  });
}

async function handover(arena: Arena): Promise<void> {
  const [follower] = await arena.followers();
  assert.ok(follower, 'no follower');
  await arena.lead(follower.name);
}

async function moreMembers(arena: Arena): Promise<void> {
  await arena.namespace.kubectl(['scale', arena.stack.loggerSet, `--replicas=${MORE_LOGGERS}`]);
  await arena.membersAre(MORE_LOGGERS);
}

/** Every server at once, with its volume. */
async function consulWiped(arena: Arena): Promise<Strike> {
  const servers = await arena.consuls();
  const scale = (replicas: number) =>
    arena.namespace.kubectl(['scale', arena.stack.consulSet, `--replicas=${replicas}`]);
  return strike({
    target: `${servers.length} servers`,
    make: async () => {
      const began = historyNow();
      await scale(0);
      const pods = servers.map(({ name }) => `pod/${name}`);
      await arena.namespace.kubectl(['wait', '--for=delete', ...pods, '--timeout=90s']);
      await arena.namespace.kubectl(['delete', 'persistentvolumeclaim', `--selector=${CONSUL}`]);
      return began;
    },
    heal: async () => {
      await scale(servers.length);
    },
  });
}

/** As a volume snapshot does: all files as they are at one moment, which is when the logger is frozen. */
async function volumeRestored(arena: Arena): Promise<Strike> {
  const pod = await someFollower(arena);
  const folder = await folderOf(arena, pod);
  const work = await mkdtemp(join(tmpdir(), 'dlog-past-'));
  const copy = join(work, 'copy');
  const forgotten: Forgotten[] = [];
  const { restarts } = await arena.pod(pod);
  await arena.signal(pod, 'logger', 'SIGSTOP');
  await run('cp', ['--archive', folder, copy]);
  await arena.signal(pod, 'logger', 'SIGCONT');
  return strike({
    target: pod,
    forgets: () => forgotten,
    make: async () => {
      const began = historyNow();
      await whileDown(arena, pod, async () => {
        await run('find', [folder, '-mindepth', '1', '-delete']);
        await run('cp', ['--archive', `${copy}/.`, folder]);
        forgotten.push({ url: loggerUrl(indexOf(pod)), atMs: historyNow() });
      });
      return began;
    },
    holdMs: STANDS_MS,
    during: async () => {
      await eventually(`${pod} is ready again`, RECOVERY_MS, async () => {
        const now = await arena.pod(pod);
        return now.ready && now.restarts > restarts ? true : undefined;
      });
      const said = (await arena.namespace.kubectl(['logs', pod])).split('\n');
      console.log(said.filter((line) => TELLING.test(line)).join('\n'));
    },
    restore: () => rm(work, { recursive: true }),
  });
}

export const PASTS: readonly Fault[] = [
  {
    name: 'Consul restored from a snapshot of this epoch',
    needs: 'kubectl',
    alone: true,
    prepare: (arena) => restored(arena, async () => {}, LOGGER_COUNT),
  },
  {
    name: 'Consul restored from a snapshot of an earlier epoch',
    needs: 'kubectl',
    alone: true,
    prepare: (arena) => restored(arena, handover, LOGGER_COUNT),
  },
  {
    name: 'Consul restored from a snapshot with fewer members',
    needs: 'kubectl',
    alone: true,
    long: true,
    prepare: (arena) => restored(arena, moreMembers, MORE_LOGGERS),
  },
  { name: "all of Consul's volumes wiped", needs: 'kubectl', alone: true, prepare: consulWiped },
  {
    name: 'volume restored under its old uid, a follower',
    needs: 'lab',
    alone: true,
    prepare: volumeRestored,
  },
];
