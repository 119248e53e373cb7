// Faults in an order chosen on purpose, for what random trouble rarely meets. Each schedule is a story that the rules
// survive; the mutant that lacks the rule named beside it does not. They run on the same cluster, under the same checker.
import { contentCrc, encodeBatch } from '../../src/log/index.ts';
import type { RegisterValue, Timings } from '../../src/replica/index.ts';
import { Violation } from './checker.ts';
import { type Cluster, KEPT_MS } from './cluster.ts';
import { type Machine, peerOf } from './machine.ts';
import { begin, cut, handOver, isolate, join, leaderOf, others, settled, until } from './stage.ts';

export type Schedule = (cluster: Cluster) => Promise<void>;

/**
 * The old leader's batches are under way to a follower that promises to another one meanwhile: what it takes in
 * afterwards must not count. [promiseCheckedOnAppend]
 */
const lateEntries: Schedule = async (cluster) => {
  const { old, next, voter } = await behindTheBack(cluster);
  cluster.network.delays.set(`${old.id}>${voter.id}`, 900);
  cluster.burst(old, 8);
  await promisedElsewhere(cluster, next, voter);
  const leader = await leaderOf(cluster, [old]);
  cluster.burst(leader, 3);
  await cluster.runFor(4000);
};

/** The leader is cut off from Consul and from one follower, and the other one hears its messages but no heartbeats. */
async function behindTheBack(cluster: Cluster): Promise<{ old: Machine; next: Machine; voter: Machine }> {
  const old = await begin(cluster, 5);
  const [next, voter] = others(cluster, old) as [Machine, Machine];
  cluster.consul.cut.add(old.id);
  // Only `next` may run, so that the story has its roles.
  cluster.consul.cut.add(voter.id);
  cut(cluster, old, next);
  for (const one of [`${old.id}>${voter.id}`, `${voter.id}>${old.id}`]) cluster.network.beatCuts.add(one);
  return { old, next, voter };
}

/** The new leader's stream comes late: for a while the voter has only its promise. */
async function promisedElsewhere(cluster: Cluster, next: Machine, voter: Machine): Promise<void> {
  await until(cluster, 'the promise', () => (voter.driver?.state.promised?.epoch ?? 0) > 1);
  cluster.network.delays.set(`${next.id}>${voter.id}`, 1500);
}

/**
 * A follower's fsync outlasts its promise to another leader. Its answer covers what it appended, and nothing of the old
 * epoch is acknowledged afterwards. [lateAckVoid with promiseCoversAll]
 */
const lateAcknowledgements: Schedule = async (cluster) => {
  const { old, next, voter } = await behindTheBack(cluster);
  await cluster.runFor(cluster.world.random.whole(0, 150));
  voter.storage.slow.recordsMs = 700;
  cluster.burst(old, 4);
  await promisedElsewhere(cluster, next, voter);
  await cluster.runFor(1500);
  cluster.network.delays.clear();
  const leader = await leaderOf(cluster, [old]);
  cluster.burst(leader, 3);
  await cluster.runFor(4000);
};

/** Who restarts must still know what it promised: the former leader finds it alone. [promiseStored] */
const forgottenPromise: Schedule = async (cluster) => {
  const { old, next, voter } = await behindTheBack(cluster);
  isolate(cluster, old);
  const leader = await leaderOf(cluster, [old]);
  cluster.burst(leader, 3);
  await until(cluster, 'records of the second epoch', () => cluster.checker.end >= 8);
  voter.crash(false, false);
  cut(cluster, next, voter);
  for (const one of [`${old.id}>${voter.id}`, `${voter.id}>${old.id}`]) {
    cluster.network.cuts.delete(one);
    cluster.network.beatCuts.delete(one);
  }
  cluster.start(voter);
  cluster.burst(old, 3);
  await cluster.runFor(4000);
};

/** A long tail of an old epoch is no higher than a shorter one of a newer epoch. [positionByEpoch] */
const longOldTail: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  isolate(cluster, old);
  cluster.burst(old, 40);
  const second = await leaderOf(cluster, [old]);
  const third = others(cluster, old, second)[0]!;
  cluster.burst(second, 4);
  await until(cluster, 'records of the second epoch', () => cluster.checker.end >= 9);
  second.crash(false);
  cluster.network.cuts.clear();
  old.crash(false, false);
  third.pause();
  await cluster.runFor(1500);
  cluster.start(old);
  third.resume();
  await cluster.runFor(6000);
  cluster.start(second);
  await cluster.runFor(2000);
};

/** A leader loses what it had not synced, comes back at once and finds itself in the register. [noResumption] */
const quickRestart: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  leader.storage.slow.recordsMs = 600;
  cluster.burst(leader, 10);
  await until(cluster, 'a commit without the leader', () => cluster.checker.end >= 15);
  for (const other of others(cluster, leader)) cluster.consul.cut.add(other.id);
  leader.crash(false);
  leader.storage.slow.recordsMs = 0;
  cluster.start(leader);
  await cluster.runFor(1000);
  if (leader.isLeader) cluster.burst(leader, 3);
  await cluster.runFor(1000);
  cluster.consul.cut.clear();
  await cluster.runFor(4000);
};

/** A follower catches up and learns of a new epoch in one go, and loses its power before the records are down. [pairAfterLog] */
const pairThenPower: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  const [lagging, witness] = others(cluster, leader) as [Machine, Machine];
  lagging.crash(false);
  cluster.burst(leader, 20);
  await until(cluster, 'records without the lagging one', () => cluster.checker.end >= 25);
  witness.pause();
  isolate(cluster, witness);
  leader.crash(false, false);
  lagging.storage.slow.recordsMs = 500;
  cluster.start(leader);
  cluster.start(lagging);
  await cluster.runUntil(() => (lagging.driver?.state.log.pairs.length ?? 0) > 1, 5000);
  await cluster.runFor(5);
  lagging.crash(false);
  leader.crash(false);
  lagging.storage.slow.recordsMs = 0;
  cluster.network.cuts.clear();
  witness.resume();
  cluster.start(lagging);
  await cluster.runFor(6000);
  cluster.start(leader);
  await cluster.runFor(2000);
};

/**
 * Raft's figure 8: a leader replicates records of an older epoch to a majority, but its own pair is not on their disks
 * yet. Another one with a pair in between may still win and overwrite them: they must not count. [ownEpochOnly]
 */
const figureEight: Schedule = async (cluster) => {
  const first = await begin(cluster, 5);
  const [copy, ...rest] = others(cluster, first) as [Machine, Machine, Machine, Machine];
  for (const one of rest) {
    cut(cluster, first, one);
    cut(cluster, copy, one);
  }
  cluster.burst(first, 3);
  await until(cluster, 'a copy', () => (copy.log?.syncedEnd ?? 0) >= 8 && (first.log?.syncedEnd ?? 0) >= 8);
  first.crash(false, false);
  copy.crash(false, false);
  // The second leader has its pair and two records alone: it is cut off before anybody hears of them.
  const starting = (): Machine | undefined =>
    rest.find(({ driver }) => driver?.state.leading?.phase === 'starting');
  await until(cluster, 'promises', () => starting() !== undefined);
  isolate(cluster, starting()!);
  const second = await leaderOf(cluster);
  cluster.burst(second, 2);
  await until(cluster, 'its own records', () => (second.log?.syncedEnd ?? 0) >= 7);
  second.crash(false, false);
  // The first one leads again and brings its old records to the other two, whose pairs take long.
  cluster.network.cuts.clear();
  const voters = rest.filter((one) => one !== second);
  for (const one of voters) one.storage.slow.pairsMs = 3000;
  // The records come well before the pair behind them.
  cluster.network.lateTypes.set('pair', 50);
  cluster.start(first);
  await until(
    cluster,
    'the copies',
    () => first.isLeader && voters.every((one) => (one.log?.syncedEnd ?? 0) >= 8),
  );
  await cluster.runFor(cluster.world.random.whole(50, 300));
  for (const one of [first, ...voters]) one.crash(false, true);
  cluster.network.lateTypes.clear();
  for (const one of voters) one.storage.slow.pairsMs = 0;
  for (const one of [second, ...voters]) cluster.start(one);
  cluster.burst(await leaderOf(cluster), 3);
  await cluster.runFor(2000);
};

/** A logger that lost its disk comes back under its old id: it is nobody's voter until it was swapped in. [uidChecked] */
const wipedVoter: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  const [wiped, away] = others(cluster, leader) as [Machine, Machine];
  wiped.wipe(true);
  isolate(cluster, away);
  cluster.start(wiped);
  cluster.burst(leader, 5);
  await cluster.runFor(3000);
  cluster.network.cuts.clear();
  await until(cluster, 'the swap', () => settled(cluster));
};

/**
 * Consul comes back from a backup made before a member was swapped and the leader changed, while everybody is down: the
 * members last seen decide, not those of the backup, and no old epoch comes back.
 */
const restoredBackup: Schedule = async (cluster) => {
  const first = await begin(cluster, 5);
  const backup = cluster.checker.register;
  const [wiped] = others(cluster, first) as [Machine];
  wiped.wipe();
  cluster.start(wiped);
  await until(cluster, 'the swap', () => settled(cluster));
  await handOver(cluster, wiped);
  cluster.burst(wiped, 5);
  await until(cluster, 'records of the next epoch', () => cluster.checker.end >= 10 && settled(cluster));
  await cluster.runFor(100);
  for (const machine of cluster.machines) machine.crash(false);
  if (backup) cluster.consul.restore(backup);
  for (const machine of cluster.machines) cluster.start(machine);
  cluster.burst(await leaderOf(cluster), 3);
  await until(cluster, 'records after the restore', () => cluster.checker.end >= 13);
};

/** A candidate that lags behind wins, since the one ahead does not reach Consul: it must fetch what it lacks. [adoptHighest] */
const laggingCandidate: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  const [lagging, ahead] = others(cluster, leader) as [Machine, Machine];
  isolate(cluster, lagging);
  cluster.burst(leader, 10);
  await until(cluster, 'records without the lagging one', () => cluster.checker.end >= 15);
  cluster.consul.cut.add(ahead.id);
  leader.crash(false);
  cluster.network.cuts.clear();
  cluster.burst(await leaderOf(cluster), 3);
  await cluster.runFor(2000);
};

/** A sync outlasts a cut, and other records stand where it vouched for some. [generationChecked with promiseCoversAll] */
const staleCompletion: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  isolate(cluster, old);
  old.storage.slow.recordsMs = 3500;
  cluster.burst(old, 40);
  const next = await leaderOf(cluster, [old]);
  cluster.burst(next, 2);
  await until(cluster, 'records of the next epoch', () => cluster.checker.end >= 7);
  old.storage.slow.recordsMs = 0;
  join(cluster, old);
  await cluster.runUntil(() => (old.log?.pairs.length ?? 0) === 2, 2500);
  // From here on nothing may be committed before the old leader has really synced.
  isolate(cluster, others(cluster, old, next)[0]!);
  cluster.burst(next, 60);
  await cluster.runFor(4000);
};

/** The write that adds a member is carried out, but its answer is lost, and reads fail too. [jointUntilKnown, jointCounting] */
const unknownChange: Schedule = async (cluster) => {
  const late = cluster.machines.slice(-1);
  for (const machine of others(cluster, ...late)) cluster.start(machine);
  const leader = await leaderOf(cluster);
  cluster.burst(leader, 5);
  await cluster.runFor(1500);
  const size = (): number => cluster.checker.register?.members.length ?? 0;
  const before = size();
  cluster.consul.onTake = () => cluster.consul.cut.add(leader.id);
  for (const machine of late) cluster.start(machine);
  await cluster.runUntil(() => size() > before, 5000);
  for (const machine of [...late, others(cluster, leader)[0]!]) isolate(cluster, machine);
  cluster.burst(leader, 5);
  await cluster.runFor(3000);
  cluster.consul.onTake = null;
  cluster.consul.cut.clear();
  cluster.network.cuts.clear();
  await cluster.runFor(3000);
};

/** A producer's batch is appended, cut off again, and sent once more to the same logger when it leads again. [tableRolledBack] */
const tableAfterCut: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  const encode = (): Buffer =>
    encodeBatch([{ value: Buffer.from('once') }], {
      timestampMs: Math.floor(cluster.world.now),
      producer: { id: 77n, epoch: 0, sequence: 0 },
    });
  isolate(cluster, old);
  const batch = encode();
  const crc = contentCrc(batch);
  old.driver?.propose(batch, 1, { id: 77n, epoch: 0, sequence: 0 }).catch(() => undefined);
  const next = await leaderOf(cluster, [old]);
  cluster.burst(next, 4);
  await until(cluster, 'records of the next epoch', () => cluster.checker.end >= 9);
  join(cluster, old);
  await until(cluster, 'the cut', () => settled(cluster));
  await handOver(cluster, old);
  const floor = cluster.checker.ackedEnd;
  old.driver?.propose(encode(), 1, { id: 77n, epoch: 0, sequence: 0 }).then(
    (answer) => cluster.checked(() => cluster.checker.acknowledged({ ...answer, crc, floor, name: 'once' })),
    () => undefined,
  );
  await cluster.runFor(1000);
};

/** A follower is told of a commit while its own log still has another tail. [commitOnceMatched, followerCut] */
const divergingTail: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  isolate(cluster, old);
  cluster.burst(old, 10);
  const next = await leaderOf(cluster, [old]);
  cluster.burst(next, 10);
  await until(cluster, 'records of the next epoch', () => cluster.checker.end >= 15);
  join(cluster, old);
  cluster.burst(next, 10);
  await until(cluster, 'all to be equal', () => settled(cluster));
  await cluster.runFor(1000);
};

/** A follower's tail of a lost epoch ends just where the new leader's epoch starts. [wholeLogShared] */
const equalTails: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  isolate(cluster, old);
  cluster.burst(old, 6);
  const next = await leaderOf(cluster, [old]);
  cluster.burst(next, 6);
  await until(cluster, 'records of the next epoch', () => cluster.checker.end >= 11);
  await until(cluster, 'the tail', () => (old.log?.syncedEnd ?? 0) >= 11);
  await handOver(cluster, others(cluster, old, next)[0]!);
  join(cluster, old);
  await until(cluster, 'all to be equal', () => settled(cluster));
  cluster.burst(await leaderOf(cluster), 5);
  await cluster.runFor(2000);
};

/** Five members, the last two added in the epoch of the leader, and a backup of Consul from before. */
async function grown(
  cluster: Cluster,
): Promise<{ leader: Machine; first: Machine[]; backup: RegisterValue }> {
  const first = cluster.machines.slice(0, 3);
  for (const machine of first) cluster.start(machine);
  const leader = await leaderOf(cluster);
  cluster.burst(leader, 5);
  await until(cluster, 'records of three', () => cluster.checker.holdingMembers().length === 3);
  await cluster.runFor(200);
  return { leader, first, backup: cluster.checker.register as RegisterValue };
}

/** Everybody loses power, Consul comes back from the backup, and those who know least start first. */
async function restoredUnder(cluster: Cluster, backup: RegisterValue, ...early: Machine[]): Promise<void> {
  for (const machine of cluster.machines) machine.crash(false);
  cluster.network.delays.clear();
  cluster.network.cuts.clear();
  cluster.consul.cut.clear();
  cluster.consul.restore(backup);
  for (const machine of early) cluster.start(machine);
  await cluster.runFor(3000);
  const leader = cluster.machines.find(({ isLeader }) => isLeader);
  if (leader) cluster.burst(leader, 4);
  await cluster.runFor(1000);
  for (const machine of cluster.machines) cluster.start(machine);
  cluster.burst(await leaderOf(cluster), 3);
  await cluster.runFor(3000);
}

/** The backup is of the present epoch: only the version of the members tells that it is old. [versionStored] */
const sameEpochBackup: Schedule = async (cluster) => {
  const { leader, first, backup } = await grown(cluster);
  for (const machine of cluster.machines) cluster.start(machine);
  await until(cluster, 'five members', () => settled(cluster) && size(cluster) === 5);
  await cluster.runFor(500);
  const slow = others(cluster, leader).filter((machine) => first.includes(machine));
  for (const { id } of slow) cluster.network.delays.set(`${leader.id}>${id}`, 5000);
  const before = cluster.checker.end;
  cluster.burst(leader, 3);
  await until(cluster, 'records without the slow ones', () => cluster.checker.ackedEnd >= before + 3);
  await restoredUnder(cluster, backup, ...slow);
};

const size = (cluster: Cluster): number => cluster.checker.register?.members.length ?? 0;

/** Only one of the first three knows of the two that were added; the other one runs. [votersAsked with electorateChecked] */
const partlyKnown: Schedule = async (cluster) => {
  const { leader, first, backup } = await grown(cluster);
  const [knowing, down] = others(cluster, leader).filter((machine) => first.includes(machine)) as [
    Machine,
    Machine,
  ];
  down.crash(false);
  for (const machine of cluster.machines.slice(3)) cluster.start(machine);
  await until(cluster, 'five members', () => size(cluster) === 5);
  await cluster.runFor(1500);
  cluster.network.delays.set(`${leader.id}>${knowing.id}`, 20_000);
  const before = cluster.checker.end;
  cluster.burst(leader, 3);
  await until(cluster, 'records of the new members', () => cluster.checker.ackedEnd >= before + 3);
  await restoredUnder(cluster, backup, knowing, down);
};

/** The members grew and the leader changed while two of the first three did not reach Consul: their leader told them. */
const olderEpochBackup: Schedule = async (cluster) => {
  const { leader, first, backup } = await grown(cluster);
  const away = others(cluster, leader).filter((machine) => first.includes(machine));
  for (const { id } of away) cluster.consul.cut.add(id);
  for (const machine of cluster.machines) cluster.start(machine);
  await until(cluster, 'five members', () => size(cluster) === 5);
  await cluster.runFor(1500);
  for (const machine of away) machine.crash(false);
  await handOver(cluster, cluster.machines[3]!);
  cluster.burst(cluster.machines[3]!, 4);
  await until(cluster, 'records of the second epoch', () => cluster.checker.ackedEnd >= 9);
  await cluster.runFor(1200);
  await restoredUnder(cluster, backup, ...away);
};

/** One of the first three is down and the other one does not hear the leader while two members are added. [changeKnown] */
const unheardChange: Schedule = async (cluster) => {
  const { leader, first, backup } = await grown(cluster);
  const [deaf, down] = others(cluster, leader).filter((machine) => first.includes(machine)) as [
    Machine,
    Machine,
  ];
  down.crash(false);
  for (const machine of [deaf, down]) cluster.consul.cut.add(machine.id);
  cluster.consul.onTake = () => cluster.network.delays.set(`${leader.id}>${deaf.id}`, 20_000);
  for (const machine of cluster.machines.slice(3)) cluster.start(machine);
  await cluster.runUntil(() => size(cluster) === 5, 8000);
  cluster.consul.onTake = null;
  cluster.burst(leader, 3);
  await cluster.runFor(1500);
  await restoredUnder(cluster, backup, deaf, down);
};

/**
 * The sync of a promise fails. The process ends, comes back and finds the promise in the page cache; another leader commits with
 * its voice. Then the power goes, and the former leader finds the voter alone.
 */
const promiseInCache: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  const [next, voter] = others(cluster, old) as [Machine, Machine];
  cluster.consul.cut.add(voter.id);
  await cluster.runFor(1500);
  cluster.consul.cut.add(old.id);
  isolate(cluster, old);
  old.pause();
  cluster.excused.add(voter);
  await until(cluster, 'the campaign', () => next.driver?.state.campaigning !== null);
  voter.storage.failSync = '/state';
  cluster.burst(await leaderOf(cluster, [old]), 3);
  await until(cluster, 'records of the second epoch', () => cluster.checker.end >= 8);
  voter.crash(false);
  await foundAlone(cluster, { old, next, voter });
};

/** The former leader goes on, with the voter alone. */
async function foundAlone(
  cluster: Cluster,
  { old, next, voter }: { old: Machine; next: Machine; voter: Machine },
): Promise<void> {
  isolate(cluster, next);
  for (const one of [`${old.id}>${voter.id}`, `${voter.id}>${old.id}`]) cluster.network.cuts.delete(one);
  cluster.start(voter);
  await until(cluster, 'the voter', () => voter.driver !== null);
  old.resume();
  await cluster.runFor(50);
  cluster.burst(old, 4);
  await cluster.runFor(4000);
}

/**
 * The only one that has the last committed records promises, and its connection breaks before the epoch starts: without its
 * log the promise must not count.
 */
const promiseThenBreak: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  const [next, ahead] = others(cluster, old) as [Machine, Machine];
  cut(cluster, old, next);
  cluster.burst(old, 6);
  await until(cluster, 'records that the next leader lacks', () => cluster.checker.end >= 11);
  cluster.consul.cut.add(ahead.id);
  next.storage.slow.stateMs = 80;
  old.crash(false, false);
  const promised = (): boolean =>
    next.driver?.state.leading?.phase === 'promising' && next.driver.state.leading.promises.size > 0;
  await until(cluster, 'a promise', promised);
  next.transport?.breakLink(peerOf(ahead.id));
  cut(cluster, next, ahead);
  await cluster.runFor(150);
  join(cluster, ahead);
  next.storage.slow.stateMs = 0;
  await cluster.runFor(3000);
  cluster.network.cuts.clear();
  cluster.start(old);
  await cluster.runFor(3000);
};

/** A voter loses its power while it stores a promise, and the former leader finds it alone. */
const promiseBeforeDisk: Schedule = async (cluster) => {
  const old = await begin(cluster, 5);
  const [next, voter] = others(cluster, old) as [Machine, Machine];
  cluster.consul.cut.add(voter.id).add(old.id);
  isolate(cluster, old);
  old.pause();
  voter.storage.slow.stateMs = 700;
  cluster.burst(await leaderOf(cluster, [old]), 3);
  await until(cluster, 'records of the second epoch', () => cluster.checker.end >= 8);
  voter.crash(false);
  voter.storage.slow.stateMs = 0;
  await foundAlone(cluster, { old, next, voter });
};

/**
 * All lose their power in the middle of group commits, on disks that keep any of the sectors and names not synced. Nobody lost
 * what it had acknowledged, so everybody stays who it was, and the cluster goes on.
 */
const powerLossUnderLoad: Schedule = async (cluster) => {
  await begin(cluster, 5);
  const uids = cluster.machines.map(({ uid }) => uid);
  for (const { storage } of cluster.machines) storage.keeps = 'any';
  for (let losses = 0; losses < 8; losses += 1) {
    const leader = await leaderOf(cluster);
    for (let round = 0; round < 10; round += 1) {
      cluster.burst(leader, 8, true);
      await cluster.runFor(0.3 + cluster.world.random.next());
    }
    for (const machine of cluster.machines) machine.crash(false);
    for (const machine of cluster.machines) cluster.start(machine);
    await until(cluster, 'all of them', () => cluster.machines.every(({ driver }) => driver !== null));
    const changed = cluster.machines.filter(({ uid }, at) => uid !== uids[at]);
    if (changed.length > 0)
      throw new Violation(`${changed.map(({ id }) => id).join(', ')} lost the identity`);
  }
  cluster.burst(await leaderOf(cluster), 3);
  const areCertain = (): boolean => cluster.machines.every(({ driver }) => driver?.state.uncertain === false);
  await until(cluster, 'all to be certain of their logs', areCertain);
};

/**
 * A leader and one follower commit records that the other follower lacks. Both lose their power, and one of these records spoils
 * on the follower's disk, beyond its recovery mark. The two followers must not make a leader of one of them. [certainCounted]
 */
const spoiledTail: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  const [voter, lagging] = others(cluster, leader) as [Machine, Machine];
  cluster.network.delays.set(`${leader.id}>${lagging.id}`, 5000);
  cluster.burst(leader, 4);
  await until(cluster, 'records of two', () => cluster.checker.ackedEnd >= 9);
  leader.crash(false);
  voter.spoil();
  cluster.network.delays.clear();
  cluster.start(voter);
  await cluster.runFor(3000);
  const early = cluster.machines.find(({ isLeader }) => isLeader);
  if (early) cluster.burst(early, 3);
  await cluster.runFor(1000);
  cluster.start(leader);
  cluster.burst(await leaderOf(cluster), 3);
  await cluster.runFor(2000);
};

/** Appends that wait for the end of a transfer, which ends the leadership: they are refused, and never stored. */
const heldAppends: Schedule = async (cluster) => {
  const leader = await begin(cluster, 5);
  const [target] = others(cluster, leader) as [Machine];
  cluster.network.delays.set(`${target.id}>${leader.id}`, 40);
  leader.driver?.transfer(target.id).catch(() => undefined);
  // Records whose acknowledgements are on their way: without them there is nothing to drain.
  const draining = (): boolean => leader.driver?.state.leading?.transfer?.phase === 'draining';
  for (let tries = 0; tries < 500 && !draining(); tries += 1) {
    cluster.burst(leader, 1);
    await cluster.runUntil(draining, 2);
  }
  const before = leader.log?.end;
  let refused = 0;
  for (let index = 0; index < 3; index += 1)
    leader.driver?.propose(cluster.batch('held'), 1, null).catch((error: { code?: string }) => {
      if (error.code === 'not-leader') refused += 1;
    });
  await until(cluster, 'another leader', () => target.isLeader);
  await cluster.runFor(10);
  if (refused !== 3 || leader.log?.end !== before)
    throw new Violation(
      `${refused} of 3 held appends were refused, and the log went from ${before} to ${leader.log?.end}`,
    );
  await cluster.runFor(1000);
};

/** The leader's clock is eight days ahead for a while, and retention goes by age: it moves neither stamps nor retention. */
const leapingClock: Schedule = async (cluster) => {
  cluster.loosenClocks();
  const leader = await begin(cluster, 5);
  cluster.wrongClock = leader;
  for (const aheadMs of [8 * 24 * 3_600_000, 0]) {
    leader.clockAheadMs = aheadMs;
    for (let round = 0; round < 20; round += 1) {
      cluster.burst(leader, 5, true);
      const kept = leader.driver?.retain({ maxBytes: Number.POSITIVE_INFINITY, maxAgeMs: KEPT_MS });
      kept?.catch((error: Error) => cluster.violated(error));
      await cluster.runFor(100);
    }
  }
};

export const SCHEDULES = {
  powerLossUnderLoad,
  spoiledTail,
  promiseInCache,
  forgottenPromise,
  lateEntries,
  lateAcknowledgements,
  longOldTail,
  quickRestart,
  pairThenPower,
  figureEight,
  laggingCandidate,
  wipedVoter,
  restoredBackup,
  staleCompletion,
  unknownChange,
  tableAfterCut,
  divergingTail,
  equalTails,
  sameEpochBackup,
  partlyKnown,
  olderEpochBackup,
  unheardChange,
  promiseThenBreak,
  promiseBeforeDisk,
  heldAppends,
  leapingClock,
} as const satisfies Record<string, Schedule>;

export type ScheduleName = keyof typeof SCHEDULES;

/** Where a schedule needs other waits than the defaults. */
export const TIMINGS: Readonly<Partial<Record<ScheduleName, Partial<Timings>>>> = {
  // The candidate lacks what the voter has; it is to win all the same, before the fsync ends.
  lateAcknowledgements: { preferMs: 0 },
};

/** How many machines a schedule is written for. */
export const MACHINES: Readonly<Record<ScheduleName, number>> = {
  powerLossUnderLoad: 3,
  spoiledTail: 3,
  promiseInCache: 3,
  forgottenPromise: 3,
  lateEntries: 3,
  lateAcknowledgements: 3,
  longOldTail: 3,
  quickRestart: 3,
  pairThenPower: 3,
  figureEight: 5,
  laggingCandidate: 3,
  wipedVoter: 3,
  restoredBackup: 3,
  staleCompletion: 3,
  unknownChange: 4,
  tableAfterCut: 3,
  divergingTail: 3,
  equalTails: 3,
  sameEpochBackup: 5,
  partlyKnown: 5,
  olderEpochBackup: 5,
  unheardChange: 5,
  promiseThenBreak: 3,
  promiseBeforeDisk: 3,
  heldAppends: 3,
  leapingClock: 3,
};
