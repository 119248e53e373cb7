// One run: a cluster on a seed, trouble for so many steps, then everything heals and must come back to life.
import type { Rules } from '../../src/replica/index.ts';
import { Violation } from './checker.ts';
import { Cluster } from './cluster.ts';
import { DiskStorage } from './disk-storage.ts';
import type { ModelFlaws } from './model-log.ts';
import { ModelStorage } from './model-storage.ts';
import { heal, torment } from './nemesis.ts';
import { MACHINES, SCHEDULES, type ScheduleName, TIMINGS } from './schedules.ts';
import type { LogFlaws } from './watched-log.ts';

export interface RunOptions {
  readonly seed: number;
  readonly steps: number;
  readonly rules?: Rules | undefined;
  readonly flaws?: (LogFlaws & ModelFlaws) | undefined;
  /** A fixed story instead of random trouble. */
  readonly schedule?: ScheduleName | undefined;
  /** The product's log on a simulated disk, or the model of it. */
  readonly log?: 'disk' | 'model' | undefined;
  readonly trace?: ((line: string) => void) | undefined;
}

export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly committed: number;
  readonly epochs: number;
  readonly acknowledged: number;
}

/** After healing, every client must get an acknowledgement within this much simulated time. */
const RECOVERY_MS = 60_000;
/** And every replica must have what was committed by then. */
const CONVERGENCE_MS = 60_000;

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, steps } = options;
  const shape = options.schedule
    ? { machines: MACHINES[options.schedule], clients: 0, paceMs: 0, stretch: 1, quiet: 1, clocks: false }
    : shapeOf(seed);
  const cluster = new Cluster({
    seed,
    machines: shape.machines,
    clients: shape.clients,
    stretch: shape.stretch,
    quiet: shape.quiet,
    clocks: shape.clocks,
    storage: (world) =>
      options.log === 'model' ? new ModelStorage(world, options.flaws) : new DiskStorage(world),
    timings: options.schedule ? TIMINGS[options.schedule] : undefined,
    rules: options.rules,
    flaws: options.flaws,
    trace: options.trace,
  });
  try {
    if (options.schedule) await SCHEDULES[options.schedule](cluster);
    else await trouble(cluster, shape.paceMs, steps);
    await recover(cluster);
  } catch (error) {
    throw new SimulationFailure(
      `seed ${seed}, step ${cluster.world.steps}, ${cluster.world.now.toFixed(1)} ms: ${(error as Error).message}\n` +
        `replay: npm run simulate -- --seed ${seed} --steps ${steps}${options.log === 'model' ? ' --log model' : ''}${options.schedule ? ` --schedule ${options.schedule}` : ''} --trace`,
      { cause: error },
    );
  }
  return {
    seed,
    steps: cluster.world.steps,
    simulatedMs: cluster.world.now,
    committed: cluster.checker.end,
    epochs: cluster.checker.register?.epoch ?? 0,
    acknowledged: cluster.clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
  };
}

async function trouble(cluster: Cluster, paceMs: number, steps: number): Promise<void> {
  for (const machine of cluster.machines) cluster.start(machine);
  let ended = false;
  torment(cluster, paceMs, () => ended);
  await cluster.runUntil(() => cluster.world.steps >= steps, Number.POSITIVE_INFINITY);
  ended = true;
}

interface Shape {
  readonly machines: number;
  readonly clients: number;
  readonly paceMs: number;
  readonly stretch: number;
  readonly quiet: number;
  readonly clocks: boolean;
}

/** Cluster size, clients and pace of trouble come from the seed as well: some runs are mostly quiet, in some trouble lasts. */
function shapeOf(seed: number): Shape {
  const sizes = [3, 3, 3, 5, 3, 4, 5, 1, 2, 7];
  const machines = sizes[seed % sizes.length]!;
  const isQuiet = seed % 7 === 5;
  return {
    machines,
    clients: 2 + (seed % 3),
    paceMs: isQuiet ? 10_000 : [150, 400, 1000][seed % 3]!,
    stretch: seed % 7 === 6 ? 10 : 1,
    quiet: isQuiet ? 50 : 1,
    clocks: machines >= 3 && seed % 4 === 1,
  };
}

async function recover(cluster: Cluster): Promise<void> {
  cluster.trace('everything heals');
  heal(cluster);
  const before = cluster.clients.map(({ acknowledged }) => acknowledged);
  const alive = (): boolean => cluster.clients.every(({ acknowledged }, at) => acknowledged > before[at]!);
  const helped =
    (await cluster.runUntil(alive, RECOVERY_MS)) ||
    (cluster.forgotten && (await operate(cluster, alive))) ||
    (isInDoubt(cluster) && (await rebuildWithoutTheLost(cluster, alive)));
  if (!helped)
    throw new Violation(
      `no acknowledgement within ${RECOVERY_MS} ms after everything healed: ${summary(cluster)}`,
    );
  const goal = cluster.checker.end;
  const equal = (): boolean => cluster.machines.every(({ driver }) => (driver?.commit ?? 0) >= goal);
  if (!(await cluster.runUntil(equal, CONVERGENCE_MS)))
    throw new Violation(`not every logger has the records below ${goal}: ${summary(cluster)}`);
}

/** Consul forgot while the members were changing: rule 6 leaves it to the operator, who sees all loggers up. */
async function operate(cluster: Cluster, alive: () => boolean): Promise<boolean> {
  cluster.trace('the operator has the register rebuilt');
  for (const { driver } of cluster.machines) driver?.rebuildRegister();
  return cluster.runUntil(alive, RECOVERY_MS);
}

/** A member's disk is gone for good while another one is not certain of its log: nobody can know what the lost one held. */
function isInDoubt({ machines, checker, consul }: Cluster): boolean {
  const members = checker.register?.members ?? consul.snapshot.value?.members ?? [];
  const isGone = members.some(({ uid }) => machines.every((machine) => machine.uid !== uid));
  return isGone && machines.some(({ driver }) => driver?.state.uncertain === true);
}

/** As docs/how-to/change-members.md tells for a lost majority. */
function rebuildWithoutTheLost(cluster: Cluster, alive: () => boolean): Promise<boolean> {
  cluster.trace('the operator removes the register');
  cluster.checker.counting = false;
  cluster.consul.lose();
  return operate(cluster, alive);
}

const summary = (cluster: Cluster): string =>
  cluster.machines
    .map(({ id, driver }) => {
      if (!driver) return `${id} down`;
      const { role, log, commit, promised, campaigning, leading } = driver.state;
      return `${id} ${role.kind} promised ${promised?.epoch} end ${log.end} commit ${commit} pairs ${JSON.stringify(log.pairs.at(-1))} ${campaigning?.phase ?? leading?.phase ?? ''}`;
    })
    .join('; ');
