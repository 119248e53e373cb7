// Machines: the power goes, the network cable is pulled, the link flaps.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import { eventually } from '../../support/cluster.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const OFF_MS = 8000;
const CUT_MS = 8000;
const CUT_GOAL = { gapMs: 1500 };
const OFF_GOAL = { gapMs: 4000 };
const STEPPED_DOWN_MS = 10_000;

export async function powerOff(arena: Arena, node: string, newLeader: boolean): Promise<Strike> {
  return strike({
    target: node,
    lost: [node],
    touched: [node],
    newLeader,
    make: async () => {
      const began = historyNow();
      await arena.machine.node('kill', node);
      return began;
    },
    holdMs: OFF_MS,
    heal: () => arena.machine.node('start', node),
  });
}

/** All on the node runs on; a leader there must come to know that it leads no more. */
export async function cut(arena: Arena, node: string): Promise<Strike> {
  const leader = await arena.leader();
  const { address } = await arena.pod(leader.name);
  const struck = leader.node === node;
  return strike({
    target: struck ? `${node} with ${leader.name}` : node,
    touched: [node],
    newLeader: struck,
    make: async () => {
      const began = historyNow();
      await arena.machine.node('cut', node);
      return began;
    },
    holdMs: CUT_MS,
    during: async () => {
      if (!struck) return;
      await eventually(`${leader.name} stops leading while it is cut off`, STEPPED_DOWN_MS, async () => {
        assert.notEqual((await arena.statusOnNode(node, address)).role, 'leader');
        return true;
      });
    },
    heal: () => arena.machine.node('join', node),
  });
}

const FLAPS_MS = 60_000;
const FLAP_DOWN_MS = 1500;
const FLAP_UP_MS = 2500;

async function flap(arena: Arena, node: string): Promise<Strike> {
  return strike({
    target: node,
    touched: [node],
    make: async () => {
      const began = historyNow();
      while (historyNow() - began < FLAPS_MS) {
        await arena.machine.node('cut', node);
        await sleep(FLAP_DOWN_MS);
        await arena.machine.node('join', node);
        await sleep(FLAP_UP_MS);
      }
      return began;
    },
    heal: () => arena.machine.node('join', node),
  });
}

const leaderNode = async (arena: Arena): Promise<string> => (await arena.leader()).node;

/** Consul's own election has rows of its own. Resolves with the node of its leader. */
export async function consulLeadsBeside(arena: Arena, node: string): Promise<string> {
  const elsewhere = (await arena.consuls()).find((pod) => pod.node !== node);
  assert.ok(elsewhere, 'all Consul servers are on one node');
  await arena.consulLeads(elsewhere.name);
  return elsewhere.node;
}

async function consulLeadsOn(arena: Arena, node: string): Promise<void> {
  const { name } = (await arena.consuls()).find((pod) => pod.node === node) ?? {};
  assert.ok(name, `no Consul server on ${node}`);
  await arena.consulLeads(name);
}

export const NODES: readonly Fault[] = [
  {
    name: "node cut off, the leader's",
    needs: 'lab',
    goal: CUT_GOAL,
    prepare: async (arena) => {
      const node = await leaderNode(arena);
      await consulLeadsBeside(arena, node);
      return cut(arena, node);
    },
  },
  {
    name: "node cut off, the leader's and Consul's own leader's",
    needs: 'lab',
    goal: OFF_GOAL,
    prepare: async (arena) => {
      const node = await leaderNode(arena);
      await consulLeadsOn(arena, node);
      return cut(arena, node);
    },
  },
  {
    name: "node powered off, the leader's and a Consul server's",
    needs: 'lab',
    alone: true,
    goal: OFF_GOAL,
    prepare: async (arena) => {
      const node = await leaderNode(arena);
      await consulLeadsBeside(arena, node);
      return powerOff(arena, node, true);
    },
  },
  {
    name: "node powered off, the leader's and Consul's own leader's",
    needs: 'lab',
    alone: true,
    goal: OFF_GOAL,
    prepare: async (arena) => {
      const node = await leaderNode(arena);
      await consulLeadsOn(arena, node);
      return powerOff(arena, node, true);
    },
  },
  {
    name: "node powered off, Consul's own leader's and a follower's",
    needs: 'lab',
    alone: true,
    goal: OFF_GOAL,
    prepare: async (arena) => {
      const node = await leaderNode(arena);
      return powerOff(arena, await consulLeadsBeside(arena, node), false);
    },
  },
  {
    name: "link that flaps for a minute, the leader's node",
    needs: 'lab',
    alone: true,
    long: true,
    prepare: async (arena) => flap(arena, await leaderNode(arena)),
  },
];
