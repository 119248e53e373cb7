// Two faults at a time: the second is made while the first stands, both stand together, and are healed in the reverse order.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';
import { cutLinks } from './links.ts';
import { consulLeadsBeside, cut, powerOff } from './nodes.ts';
import { deletePods, freeze, kill } from './pods.ts';
import { withoutApiServer, withoutConsul } from './services.ts';

const TOGETHER_MS = 15_000;
const APART_MS = 2000;

/** What both have in common is what either touches. The time counts from the second one, which takes the leader away. */
export function both(first: Strike, second: Strike, holdMs = TOGETHER_MS): Strike {
  const made: Strike[] = [];
  return strike({
    target: `${first.target}; ${second.target}`,
    lost: [...first.lost, ...second.lost],
    touched: [...first.touched, ...second.touched],
    newLeader: first.newLeader || second.newLeader,
    forgets: () => [...(first.forgets?.() ?? []), ...(second.forgets?.() ?? [])],
    make: async () => {
      made.push(first);
      await first.make();
      await sleep(APART_MS);
      made.push(second);
      return second.make();
    },
    holdMs,
    during: async () => {
      await first.during?.();
      await second.during?.();
    },
    heal: async () => {
      for (const one of made.splice(0).toReversed()) await one.heal();
    },
    restore: async () => {
      await second.restore?.();
      await first.restore?.();
    },
  });
}

/** The leader's process gets a signal while nobody can change a label or start a pod. */
async function withoutKubernetes(arena: Arena, signal: 'SIGKILL' | 'SIGTERM'): Promise<Strike> {
  const { name } = await arena.leader();
  // Found beforehand: without the API server nobody can say where the pod's process is.
  const pid = await arena.pid(name, 'logger');
  const struck = strike({
    target: name,
    newLeader: true,
    make: async () => {
      process.kill(pid, signal);
      return historyNow();
    },
  });
  return both(await withoutApiServer(arena), struck);
}

export const PAIRS: readonly Fault[] = [
  {
    name: "leader's node cut off + Consul's own leader killed",
    needs: 'lab',
    prepare: async (arena) => {
      const { node } = await arena.leader();
      await consulLeadsBeside(arena, node);
      const { name } = await arena.consulLeader();
      const killed = strike({ target: name, make: () => arena.signal(name, 'consul', 'SIGKILL') });
      return both(killed, await cut(arena, node));
    },
  },
  {
    name: 'API server stopped + SIGKILL of the leader',
    needs: 'lab',
    prepare: (arena) => withoutKubernetes(arena, 'SIGKILL'),
  },
  {
    name: 'API server stopped + SIGTERM of the leader',
    needs: 'lab',
    prepare: (arena) => withoutKubernetes(arena, 'SIGTERM'),
  },
  {
    name: 'all Consul servers stopped + SIGKILL of the leader',
    needs: 'kubectl',
    prepare: async (arena) => {
      const { name } = await arena.leader();
      return both(await withoutConsul(arena), await kill(arena, name, true));
    },
  },
  {
    name: 'all Consul servers stopped + pod deleted, a follower',
    needs: 'kubectl',
    prepare: async (arena) => {
      const [follower] = await arena.followers();
      assert.ok(follower, 'no follower');
      return both(await withoutConsul(arena), await deletePods(arena, [follower.name], false));
    },
  },
  {
    name: 'follower frozen + SIGKILL of the leader',
    needs: 'kubectl',
    prepare: async (arena) => {
      const leader = await arena.leader();
      const [follower] = await arena.followers();
      assert.ok(follower, 'no follower');
      const frozen = await freeze(arena, follower.name, false);
      return both(frozen, await kill(arena, leader.name, true));
    },
  },
  {
    name: 'follower cut from the leader + pod deleted, the leader',
    needs: 'lab',
    prepare: async (arena) => {
      const leader = await arena.leader();
      const [follower] = await arena.followers();
      assert.ok(follower, 'no follower');
      const { address } = await arena.pod(follower.name);
      const link = await cutLinks(arena, leader.name, follower.name, [address]);
      // The filter goes with the pod's network.
      return both({ ...link, heal: async () => {} }, await deletePods(arena, [leader.name], true));
    },
  },
  {
    name: "node of Consul's leader powered off + pod deleted, the leader",
    needs: 'lab',
    prepare: async (arena) => {
      const leader = await arena.leader();
      const off = await powerOff(arena, await consulLeadsBeside(arena, leader.node), false);
      return both(off, await deletePods(arena, [leader.name], true));
    },
  },
];
