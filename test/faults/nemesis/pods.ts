// Pods that go: deleted, killed, frozen.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../src/errors.ts';
import { historyNow } from '../../../src/verify/index.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const FROZEN_MS = 30_000;
const KILL_GOAL = { gapMs: 600 };
const FREEZE_GOAL = { gapMs: 1500 };
const DELETE_GOAL = { gapMs: 300 };

const followerOf = async (arena: Arena): Promise<string> => {
  const [follower] = await arena.followers();
  if (follower === undefined) throw new Error('no follower');
  return follower.name;
};
const leaderOf = async (arena: Arena): Promise<string> => (await arena.leader()).name;

export async function deletePods(
  arena: Arena,
  names: readonly string[],
  newLeader: boolean,
): Promise<Strike> {
  return strike({
    target: names.join(', '),
    newLeader,
    make: async () => {
      const began = historyNow();
      await arena.namespace.kubectl(['delete', 'pod', ...names, '--wait=false']);
      return began;
    },
  });
}

export async function kill(arena: Arena, name: string, newLeader: boolean): Promise<Strike> {
  return strike({ target: name, newLeader, make: () => arena.signal(name, 'logger', 'SIGKILL') });
}

/** Another fault may have ended the frozen process, or replaced its pod. */
async function thaw(arena: Arena, name: string): Promise<void> {
  await arena.signal(name, 'logger', 'SIGCONT').catch((error: unknown) => {
    console.log(`${name} could not be thawed: ${messageOf(error)}`);
  });
}

export async function freeze(arena: Arena, name: string, newLeader: boolean): Promise<Strike> {
  return strike({
    target: name,
    newLeader,
    make: () => arena.signal(name, 'logger', 'SIGSTOP'),
    holdMs: FROZEN_MS,
    heal: () => thaw(arena, name),
  });
}

/** Silent for less than suspicion takes, again and again: it may lead on or not, but must not lose anything. */
const BURSTS = 15;
const STOPPED_MS = 350;
const RUNNING_MS = 150;

async function stutter(arena: Arena, name: string): Promise<Strike> {
  return strike({
    target: name,
    make: async () => {
      const began = historyNow();
      for (let burst = 0; burst < BURSTS; burst += 1) {
        await arena.signal(name, 'logger', 'SIGSTOP');
        await sleep(STOPPED_MS);
        await arena.signal(name, 'logger', 'SIGCONT');
        await sleep(RUNNING_MS);
      }
      return began;
    },
    heal: () => thaw(arena, name),
  });
}

export const PODS: readonly Fault[] = [
  {
    name: 'pod deleted, the leader',
    needs: 'kubectl',
    goal: DELETE_GOAL,
    prepare: async (arena) => deletePods(arena, [await leaderOf(arena)], true),
  },
  {
    name: 'pod deleted, a follower',
    needs: 'kubectl',
    goal: DELETE_GOAL,
    prepare: async (arena) => deletePods(arena, [await followerOf(arena)], false),
  },
  {
    name: 'pods deleted, all loggers at once',
    needs: 'kubectl',
    prepare: async (arena) =>
      deletePods(
        arena,
        (await arena.loggers()).map(({ name }) => name),
        true,
      ),
  },
  {
    name: 'container SIGKILL, the leader',
    needs: 'kubectl',
    goal: KILL_GOAL,
    prepare: async (arena) => kill(arena, await leaderOf(arena), true),
  },
  {
    name: 'container SIGKILL, a follower',
    needs: 'kubectl',
    goal: KILL_GOAL,
    prepare: async (arena) => kill(arena, await followerOf(arena), false),
  },
  {
    name: 'container SIGSTOP 30 s, the leader',
    needs: 'kubectl',
    goal: FREEZE_GOAL,
    prepare: async (arena) => freeze(arena, await leaderOf(arena), true),
  },
  {
    name: 'container SIGSTOP 30 s, a follower',
    needs: 'kubectl',
    prepare: async (arena) => freeze(arena, await followerOf(arena), false),
  },
  {
    name: 'leader that stutters: 350 of every 500 ms stopped',
    needs: 'lab',
    prepare: async (arena) => stutter(arena, await leaderOf(arena)),
  },
];
