// `npm start -- --json` as a child process of a test: its events, its processes, and the log behind it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LogClient, type ReadRecord } from '../../../src/client/index.ts';
import type { ReadyEvent, StackEvent } from '../../../src/stack/events.ts';

const main = fileURLToPath(new URL('../../../src/stack/main.ts', import.meta.url));
const EVENT_DEADLINE_MS = 90_000;
const GONE_DEADLINE_MS = 30_000;
const READ_DEADLINE_MS = 20_000;
const STORY_EVENTS = 200;

export interface Owner {
  after(end: () => Promise<void>): void;
}

type Named<N extends StackEvent['event']> = Extract<StackEvent, { event: N }>;

export class StackProcess {
  readonly child: ChildProcess;
  readonly events: StackEvent[] = [];
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
  errors = '';
  readonly #wakes = new Set<() => void>();

  constructor(owner: Owner, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [main, '--base-port', '0', '--json', ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    void this.exited.then(() => this.#wake());
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line));
      this.#wake();
    });
    this.child.stderr!.on('data', (chunk) => {
      this.errors += chunk;
    });
    owner.after(async () => {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), GONE_DEADLINE_MS);
      await this.exited;
      clearTimeout(timer);
    });
  }

  /** The first event with this name that fits, from position `from` on. */
  async event<N extends StackEvent['event']>(
    name: N,
    fits: (event: Named<N>) => boolean = () => true,
    from = 0,
  ): Promise<Named<N>> {
    const deadline = AbortSignal.timeout(EVENT_DEADLINE_MS);
    for (;;) {
      const found = this.events
        .slice(from)
        .find((event): event is Named<N> => event.event === name && fits(event as Named<N>));
      if (found) return found;
      if (deadline.aborted || this.child.exitCode !== null)
        assert.fail(`no event ${name}:\n${this.#story()}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wakes.delete(wake);
          resolve();
        };
        this.#wakes.add(wake);
        deadline.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** Ids of every process that the events have named. */
  pids(): number[] {
    const pids: number[] = [];
    for (const event of this.events) {
      if (event.event === 'ready') pids.push(...pidsOf(event));
      if (event.event === 'restarted') pids.push(event.pid);
    }
    return pids;
  }

  /** What happened, for a failure: everything but the ordinary course of records. */
  #story(): string {
    const told = this.events.filter(({ event }) => event !== 'record' && event !== 'sent');
    const lines = told.slice(-STORY_EVENTS).map((event) => JSON.stringify(event));
    return [...lines, this.errors].join('\n');
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
  }
}

const pidsOf = ({ loggers, producer, consul }: ReadyEvent): number[] =>
  [...loggers.map(({ pid }) => pid), producer?.pid, consul.pid].filter((pid) => typeof pid === 'number');

/** Whether a process runs; one that has ended and was not waited for by its new parent does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + GONE_DEADLINE_MS;
  while (pids.some(runs)) {
    assert.ok(performance.now() < deadline, `still there: ${pids.filter(runs)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Reads the log by any logger until it holds the message with number `last`. */
export async function recordsUpTo(apis: readonly string[], last: number): Promise<ReadRecord[]> {
  const client = new LogClient({ target: apis });
  try {
    const records: ReadRecord[] = [];
    for await (const record of client.follow({ signal: AbortSignal.timeout(READ_DEADLINE_MS) })) {
      records.push(record);
      if (record.value === `Message: ${last}`) return records;
    }
    return assert.fail(`Message: ${last} did not come: ${records.length} records`);
  } finally {
    await client.close();
  }
}

/** Every record is a message, and the numbers are 1, 2, 3, … without a skip or a repetition. */
export function assertEveryNumberOnce(records: readonly ReadRecord[]): void {
  assert.deepEqual(
    records.map(({ value }) => value),
    records.map((_, at) => `Message: ${at + 1}`),
  );
  assert.deepEqual(
    records.map(({ offset }) => offset),
    records.map((_, at) => at),
  );
}
