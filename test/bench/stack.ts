// The product as its users start it, for measuring: `npm start -- --json` as a child process, its events, and its loggers' status.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/api/index.ts';

const MAIN = fileURLToPath(new URL('../../src/stack/main.ts', import.meta.url));
const START_DEADLINE_MS = 120_000;
const SYNC_DEADLINE_MS = 60_000;
const STATUS_DEADLINE_MS = 1000;
const END_DEADLINE_MS = 30_000;
const POLL_MS = 50;
const ERROR_LEVEL = 50;

export interface StackEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface LoggerProcess {
  readonly id: string;
  readonly pid: number;
  readonly api: string;
}

export class Stack {
  readonly #child: ChildProcess;
  readonly #loggers = new Map<string, LoggerProcess>();
  readonly #errors: string[] = [];

  static async start(args: readonly string[]): Promise<Stack> {
    const stack = new Stack(args);
    await stack.#until('the stack is ready', () => stack.#loggers.size > 0, START_DEADLINE_MS);
    return stack;
  }

  private constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, '--json', '--rate', '0', '--base-port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#onEvent(JSON.parse(line)));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#errors.push(line));
  }

  #onEvent(event: StackEvent): void {
    // What went wrong in a process, for the message of a run that fails.
    if (event.event === 'exit' || (event.event === 'log' && (event.level as number) >= ERROR_LEVEL))
      this.#errors.push(JSON.stringify(event));
    if (event.event === 'ready')
      for (const logger of event.loggers as LoggerProcess[]) this.#loggers.set(logger.id, logger);
    if (event.event === 'restarted') {
      const known = this.#loggers.get(event.id as string);
      if (known) this.#loggers.set(known.id, { ...known, pid: event.pid as number });
    }
  }

  get apis(): string[] {
    return [...this.#loggers.values()].map(({ api }) => api);
  }

  pidOf(id: string): number {
    const logger = this.#loggers.get(id);
    if (!logger) throw new Error(`no logger ${id}`);
    return logger.pid;
  }

  async statuses(): Promise<(Status | null)[]> {
    return Promise.all(
      this.apis.map((api) =>
        fetch(`${api}/api/v1/status`, { signal: AbortSignal.timeout(STATUS_DEADLINE_MS) })
          .then((answer) => answer.json() as Promise<Status>)
          .catch(() => null),
      ),
    );
  }

  /** Resolves with the leader's id once every logger is a member, connected, caught up and of one mind about the leader. */
  async inSync(): Promise<string> {
    let leader: string | undefined;
    const settled = async (): Promise<boolean> => {
      const all = await this.statuses();
      const leading = all.filter((status) => status?.role === 'leader');
      leader = leading[0]?.id;
      return (
        leading.length === 1 &&
        all.every((status) => status?.leader?.id === leader && status?.epoch === leading[0]?.epoch) &&
        leading[0]?.members.length === all.length &&
        leading[0].members.every(({ connected, lag }) => connected && lag !== null && lag < 100)
      );
    };
    await this.#until('all loggers are in sync', settled, SYNC_DEADLINE_MS);
    return leader!;
  }

  async #until(what: string, reached: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!(await reached())) {
      if (this.#child.exitCode !== null || performance.now() > end) {
        await this.stop();
        throw new Error(`not reached: ${what}\n${this.#errors.slice(-20).join('\n')}`);
      }
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await Promise.race([ended, sleep(END_DEADLINE_MS, undefined, { ref: false })]);
    this.#child.kill('SIGKILL');
  }
}
