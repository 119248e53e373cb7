// What is measured: loggers as processes, a real Consul, all on this machine, data in a temporary directory. The loggers are the
// build that is shipped, not the sources, for which Node holds a compiler in memory; what they print goes to files, as a
// container's output does.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LogClient } from '../../src/client/index.ts';
import { type ConsulCluster, testConsul } from '../support/consul.ts';
import type { LoggerProcess } from '../support/logger-process.ts';
import { Loggers } from '../support/loggers.ts';

export interface RigOptions {
  readonly members?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Run the sources as they are: for tests, where nothing is measured. */
  readonly sources?: boolean;
}

/** Options of Node for each logger, as `--cpu-prof --cpu-prof-dir=profiles`: to see where the time goes. */
const NODE_ARGUMENTS = (process.env.BENCH_NODE_ARGUMENTS ?? '').split(' ').filter((text) => text !== '');

/** As the Dockerfile has it. */
const IMAGE_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let program: string | null = null;

/** The logger's program, built once for all that this process measures. */
function built(): string {
  if (program === null) {
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: ROOT,
    });
    program = `${ROOT}dist/logger/main.js`;
  }
  return program;
}

export class Rig implements AsyncDisposable {
  readonly consul: ConsulCluster;
  readonly loggers: Loggers;
  readonly #ends: readonly (() => Promise<void>)[];

  private constructor(consul: ConsulCluster, loggers: Loggers, ends: readonly (() => Promise<void>)[]) {
    this.consul = consul;
    this.loggers = loggers;
    this.#ends = ends;
  }

  /** Resolves when one logger leads and the others have caught up. */
  static async start({ members = 3, environment = {}, sources = false }: RigOptions = {}): Promise<Rig> {
    const ends: (() => Promise<void>)[] = [];
    const owner = { after: (end: () => Promise<void>) => void ends.unshift(end), diagnostic: () => {} };
    try {
      const consul = await testConsul(owner);
      const loggers = await Loggers.start(owner, {
        consulUrls: consul.urls,
        count: members,
        environment: { DLOG_PRINT_RECORDS: 'true', ...IMAGE_ENVIRONMENT, ...environment },
        nodeArguments: NODE_ARGUMENTS,
        ...(!sources && { main: built() }),
        printToFiles: true,
      });
      return new Rig(consul, loggers, ends);
    } catch (error) {
      for (const end of ends) await end();
      throw error;
    }
  }

  leader(): Promise<LoggerProcess> {
    return this.loggers.inSync();
  }

  /** Process ids of the loggers and of Consul. */
  get pids(): number[] {
    const processes = [...this.loggers.all, ...this.consul.servers];
    return processes.map(({ pid }) => pid).filter((pid) => pid !== null);
  }

  /** A client that may ask all loggers, the leader first. */
  async clientOptions(): Promise<{ target: string[] }> {
    const leader = await this.leader();
    return { target: [leader.api, ...this.loggers.others(leader).map(({ api }) => api)] };
  }

  /** Reads from one logger alone: the first that follows. */
  async followerClient(): Promise<LogClient> {
    const [follower = await this.leader()] = this.loggers.others(await this.leader());
    return new LogClient({ target: follower.api });
  }

  /** With profiling on the loggers end in order, so that they write their profiles. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (NODE_ARGUMENTS.length > 0)
      await Promise.all(this.loggers.all.map((logger) => logger.running && logger.terminate()));
    for (const end of this.#ends) await end();
  }
}
