// What the schedules are made of: waiting for something to happen, cutting and joining, the common opening.
import { Violation } from './checker.ts';
import type { Cluster } from './cluster.ts';
import type { Machine } from './machine.ts';

const PATIENCE_MS = 20_000;

export async function until(
  cluster: Cluster,
  what: string,
  done: () => boolean,
  withinMs = PATIENCE_MS,
): Promise<void> {
  if (!(await cluster.runUntil(done, withinMs)))
    throw new Violation(`the schedule waited in vain for ${what}`);
}

export async function leaderOf(cluster: Cluster, not: readonly Machine[] = []): Promise<Machine> {
  const find = (): Machine | undefined => cluster.machines.find((one) => one.isLeader && !not.includes(one));
  await until(cluster, 'a leader', () => find() !== undefined);
  return find()!;
}

export const others = (cluster: Cluster, ...not: readonly Machine[]): Machine[] =>
  cluster.machines.filter((one) => !not.includes(one));

export function cut(cluster: Cluster, a: Machine, b: Machine): void {
  cluster.network.cuts.add(`${a.id}>${b.id}`).add(`${b.id}>${a.id}`);
}

export function isolate(cluster: Cluster, one: Machine): void {
  for (const other of others(cluster, one)) cut(cluster, one, other);
}

export function join(cluster: Cluster, one: Machine): void {
  for (const other of others(cluster, one)) {
    cluster.network.cuts.delete(`${one.id}>${other.id}`);
    cluster.network.cuts.delete(`${other.id}>${one.id}`);
  }
}

export const settled = (cluster: Cluster): boolean =>
  (cluster.checker.register?.members.length ?? 0) === cluster.machines.length &&
  cluster.checker.holdingMembers().length === cluster.machines.length &&
  cluster.machines.every(
    ({ driver }) => driver?.role.kind === 'leader' || driver?.state.receiver?.phase === 'ready',
  );

/** All members follow, and have so many records. */
export async function begin(cluster: Cluster, records: number): Promise<Machine> {
  for (const machine of cluster.machines) cluster.start(machine);
  const leader = await leaderOf(cluster);
  await until(cluster, 'followers', () => settled(cluster));
  cluster.burst(leader, records);
  await until(cluster, 'the first records', () => cluster.checker.end >= records && settled(cluster));
  return leader;
}

/** Transfers leadership to `to`, as often as it takes. */
export async function handOver(cluster: Cluster, to: Machine): Promise<void> {
  for (let tries = 0; tries < 10 && !to.isLeader; tries += 1) {
    const leader = await leaderOf(cluster);
    if (leader !== to) leader.driver?.transfer(to.id).catch(() => undefined);
    await cluster.runUntil(() => to.isLeader, 1000);
  }
  await until(cluster, `${to.id} to lead`, () => to.isLeader);
}
