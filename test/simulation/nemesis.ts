// Trouble at random: processes die, freeze and come back, disks are wiped and fill up, the network is cut and heals,
// Consul is slow, away or forgets, leadership is handed over and the members change. Never more disks are lost at a time
// than the cluster promises to survive.
import { type Cluster, KEPT_MS } from './cluster.ts';
import type { Machine } from './machine.ts';

type Deed = (cluster: Cluster) => void;

const running = (cluster: Cluster): Machine[] => cluster.machines.filter(({ driver }) => driver !== null);

const later = (cluster: Cluster, lowMs: number, highMs: number, run: () => void): void =>
  cluster.world.after(cluster.world.random.skewed(lowMs, highMs * cluster.stretch), null, run);

function pickRunning(cluster: Cluster): Machine | null {
  const { random } = cluster.world;
  const candidates = running(cluster);
  const leader = candidates.find(({ isLeader }) => isLeader);
  if (leader && random.chance(0.4)) return leader;
  return candidates.length > 0 ? random.pick(candidates) : null;
}

const crash: Deed = (cluster) => {
  const machine = pickRunning(cluster);
  if (!machine) return;
  const { random } = cluster.world;
  machine.crash(random.chance(0.3), random.chance(0.7));
  later(cluster, 5, 4000, () => cluster.start(machine));
};

const crashAll: Deed = (cluster) => {
  for (const machine of running(cluster)) {
    machine.crash(false);
    later(cluster, 5, 2000, () => cluster.start(machine));
  }
};

const pause: Deed = (cluster) => {
  const machine = pickRunning(cluster);
  if (!machine) return;
  machine.pause();
  later(cluster, 5, 5000, () => machine.resume());
};

const cutOneWay: Deed = (cluster) => {
  const { random } = cluster.world;
  const [from, to] = [random.pick(cluster.machines).id, random.pick(cluster.machines).id];
  cluster.network.cuts.add(`${from}>${to}`);
  later(cluster, 50, 4000, () => cluster.network.cuts.delete(`${from}>${to}`));
};

/** Two sides that do not reach each other. */
const partition: Deed = (cluster) => {
  const { random } = cluster.world;
  const side = new Set(cluster.machines.filter(() => random.chance(0.5)).map(({ id }) => id));
  const cuts: string[] = [];
  for (const { id: a } of cluster.machines)
    for (const { id: b } of cluster.machines)
      if (a !== b && side.has(a) !== side.has(b)) cuts.push(`${a}>${b}`);
  for (const cut of cuts) cluster.network.cuts.add(cut);
  later(cluster, 100, 5000, () => {
    for (const cut of cuts) cluster.network.cuts.delete(cut);
  });
};

const breakLink: Deed = (cluster) => {
  const machine = pickRunning(cluster);
  const other = cluster.world.random.pick(cluster.machines);
  machine?.transport?.breakLink(`${other.id}:9090`);
};

const slowNetwork: Deed = (cluster) => {
  const { faults } = cluster.network;
  const { random } = cluster.world;
  Object.assign(faults, {
    slow: random.next() * 0.3,
    slowMs: random.skewed(5, 800),
    repeat: 0.01,
    stray: 0.01,
  });
  later(cluster, 100, 3000, () => Object.assign(faults, { slow: 0.01, slowMs: 50, repeat: 0, stray: 0 }));
};

const consulAway: Deed = (cluster) => {
  cluster.consul.away = true;
  later(cluster, 100, 20_000, () => {
    cluster.consul.away = false;
  });
};

const consulCut: Deed = (cluster) => {
  const { id } = cluster.world.random.pick(cluster.machines);
  cluster.consul.cut.add(id);
  later(cluster, 100, 20_000, () => cluster.consul.cut.delete(id));
};

const consulTrouble: Deed = (cluster) => {
  cluster.consul.trouble = cluster.world.random.next() * 0.6;
  later(cluster, 500, 8000, () => {
    cluster.consul.trouble = 0;
  });
};

const loseSession: Deed = (cluster) => {
  const { consul, world } = cluster;
  const ids = consul.sessionIds;
  if (ids.length > 0) consul.destroy(world.random.pick(ids), 'invalidated');
};

/** All members are the machines as they are now, and hold everything: one more loss is what they promise to survive. */
function isWhole(cluster: Cluster): boolean {
  const { register } = cluster.checker;
  if (!register || register.members.length < 3) return false;
  // A flipped bit may show long after: whoever has one counts as lost until it is swapped.
  if (register.members.some(({ uid }) => cluster.checker.lost.has(uid))) return false;
  const settled = running(cluster).every(({ driver }) => !driver?.state.leading?.change);
  const present = register.members.every(({ uid }) =>
    cluster.machines.some((machine) => machine.uid === uid),
  );
  return settled && present && cluster.checker.holdingMembers().length === register.members.length;
}

const wipe: Deed = (cluster) => {
  if (!isWhole(cluster) || cluster.consul.trouble > 0) return;
  const machine = cluster.world.random.pick(cluster.machines);
  machine.wipe();
  later(cluster, 5, 3000, () => cluster.start(machine));
};

const damage: Deed = (cluster) => {
  if (!isWhole(cluster) || cluster.consul.trouble > 0) return;
  const machine = cluster.world.random.pick(cluster.machines);
  cluster.excused.add(machine);
  machine.damage();
  later(cluster, 5, 3000, () => cluster.start(machine));
};

const spoil: Deed = (cluster) => {
  if (!isWhole(cluster) || cluster.consul.trouble > 0) return;
  const machine = cluster.world.random.pick(cluster.machines);
  machine.spoil();
  later(cluster, 5, 3000, () => cluster.start(machine));
};

const failSync: Deed = (cluster) => {
  const machine = pickRunning(cluster);
  if (!machine) return;
  cluster.excused.add(machine);
  machine.storage.failSync = '';
};

/** Many appends at once: a leader that is cut off then has a long tail of its own. */
const burst: Deed = (cluster) => {
  const leader = running(cluster).find(({ isLeader }) => isLeader);
  if (leader) cluster.burst(leader, cluster.world.random.whole(5, 60), true);
};

/** What any backup may name is on its disk: a lost disk and a lost register at a time are more than the cluster survives. */
const isLossFree = ({ checker }: Cluster): boolean =>
  checker.register?.members.every(({ uid }) => !checker.lost.has(uid)) === true;

/**
 * Consul forgets, or is restored from a backup of any age and epoch, whatever the loggers are doing; some of them are down
 * meanwhile and come back sooner or later. At worst an operator must help in the end.
 */
const consulForgets: Deed = (cluster) => {
  if (!isLossFree(cluster)) return;
  const { consul, world, checker } = cluster;
  const { random } = world;
  const share = random.pick([0, 0.5, 1]);
  for (const machine of running(cluster)) {
    if (!random.chance(share)) continue;
    machine.crash(false, random.chance(0.7));
    later(cluster, 5, 8000, () => cluster.start(machine));
  }
  const { history } = consul;
  if (history.length > 0 && random.chance(0.7)) {
    const at = random.chance(0.5) ? random.whole(0, history.length - 1) : Math.max(0, history.length - 2);
    cluster.trace(`Consul is restored from backup ${at + 1} of ${history.length}`);
    consul.restore(history[at]!);
  } else {
    cluster.trace('Consul lost its disk');
    consul.lose();
  }
  checker.register = null;
  cluster.forgotten = true;
};

const fillDisk: Deed = (cluster) => {
  const machine = cluster.world.random.pick(cluster.machines);
  machine.storage.full = true;
  later(cluster, 100, 3000, () => {
    machine.storage.full = false;
  });
};

const transfer: Deed = (cluster) => {
  const leader = running(cluster).find(({ isLeader }) => isLeader);
  leader?.driver?.transfer(null).catch(() => undefined);
};

const stop: Deed = (cluster) => {
  const machine = pickRunning(cluster);
  void machine?.driver?.stop().then(() => {
    machine.crash(false);
    later(cluster, 5, 1000, () => cluster.start(machine));
  });
};

const wantMembers: Deed = (cluster) => {
  const { random } = cluster.world;
  // Of two members, one wrong clock is no minority.
  const size = random.whole(cluster.clocks ? 3 : 1, cluster.machines.length);
  const ids = cluster.machines.slice(0, size).map(({ id }) => id);
  cluster.trace(`wanted members: ${ids.join(' ')}`);
  for (const machine of cluster.machines) machine.want(ids);
};

const retain: Deed = (cluster) => {
  const leader = running(cluster).find(({ isLeader }) => isLeader);
  const policy = cluster.clocks
    ? { maxBytes: Number.POSITIVE_INFINITY, maxAgeMs: KEPT_MS }
    : { maxBytes: 2000, maxAgeMs: Number.POSITIVE_INFINITY };
  leader?.driver?.retain(policy).catch(() => undefined);
};

const HOUR_MS = 3_600_000;

/** The clock of one machine leaps, ahead or back; producers are forgotten after seven days of log time. */
const clockLeaps: Deed = (cluster) => {
  const { random } = cluster.world;
  if ((cluster.checker.register?.members.length ?? 0) < 3) return;
  const leader = running(cluster).find(({ isLeader }) => isLeader);
  cluster.wrongClock ??= leader ?? random.pick(cluster.machines);
  cluster.wrongClock.clockAheadMs = random.pick([-200 * HOUR_MS, -5000, 0, 5000, HOUR_MS, 200 * HOUR_MS]);
  cluster.trace(`${cluster.wrongClock.id}'s clock is ${cluster.wrongClock.clockAheadMs} ms ahead`);
};

const DEEDS: readonly (readonly [number, Deed])[] = [
  [10, crash],
  [1, crashAll],
  [5, pause],
  [5, cutOneWay],
  [5, partition],
  [5, breakLink],
  [4, slowNetwork],
  [2, consulAway],
  [3, consulCut],
  [4, consulTrouble],
  [3, loseSession],
  [2, wipe],
  [1.5, damage],
  [1.5, spoil],
  [1, failSync],
  [6, burst],
  [2, consulForgets],
  [2, fillDisk],
  [3, transfer],
  [1, stop],
  [3, wantMembers],
  [3, retain],
];

const TOTAL = DEEDS.reduce((sum, [weight]) => sum + weight, 0);

function pickDeed({ world }: Cluster): Deed {
  let at = world.random.next() * TOTAL;
  const found = DEEDS.find(([weight]) => {
    at -= weight;
    return at < 0;
  });
  return (found ?? DEEDS[0]!)[1];
}

/** Begins to make trouble, every `paceMs` or so, until `ended` is true. */
export function torment(cluster: Cluster, paceMs: number, ended: () => boolean): void {
  const next = (): void => {
    if (ended()) return;
    const clock = cluster.clocks && cluster.world.random.chance(0.3);
    const deed = clock ? clockLeaps : pickDeed(cluster);
    deed(cluster);
    later(cluster, paceMs / 4, paceMs * 4, next);
  };
  later(cluster, paceMs, paceMs * 4, next);
}

/** Ends all trouble. What is still to heal later does no harm. */
export function heal(cluster: Cluster): void {
  cluster.network.cuts.clear();
  cluster.network.beatCuts.clear();
  cluster.network.delays.clear();
  Object.assign(cluster.network.faults, { slow: 0.01, slowMs: 50, repeat: 0, stray: 0 });
  cluster.consul.away = false;
  cluster.consul.cut.clear();
  cluster.consul.trouble = 0;
  for (const machine of cluster.machines) {
    machine.storage.full = false;
    Object.assign(machine.storage.slow, { recordsMs: 0, pairsMs: 0, stateMs: 0 });
    machine.clockAheadMs = 0;
    machine.resume();
    cluster.start(machine);
    machine.want(null);
  }
}
