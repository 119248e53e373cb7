// A program of ours as a child process: its lines, its end, signals, and an end that is certain. It runs in a process group of
// its own, so that Ctrl-C reaches the stack alone and the stack decides the order; a guard takes it along when the stack is
// killed (even while it is frozen).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import { linesIn } from '../lines.ts';
import { guardChild } from './consul-guard.ts';

const STOP_TIMEOUT_MS = 8_000;
/** The last lines of a process that has ended are here by then, unless a child of it still holds the pipe. */
const LAST_LINES_MS = 1_000;
/** A logger prints a record of up to 64 MiB in one line, in which JSON may escape every byte. */
const MAX_LINE_BYTES = 400 * 1024 * 1024;

export interface ProcessHandlers {
  /** A line of its stdout or stderr. */
  onLine(line: string, stream: 'stdout' | 'stderr'): void;
  /** After its last line. */
  onExit(code: number | null, signal: NodeJS.Signals | null): void;
}

export type Program = 'logger' | 'producer';

export class ManagedProcess {
  readonly id: string;
  readonly #entry: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #handlers: ProcessHandlers;
  #child: ChildProcess | null = null;
  #paused = false;
  /** Resolves when the process that was started last is gone and `onExit` has been called. */
  #ended: Promise<void> = Promise.resolve();

  constructor(
    id: string,
    program: Program,
    environment: Readonly<Record<string, string>>,
    handlers: ProcessHandlers,
  ) {
    this.id = id;
    // Beside this file as source, and as JavaScript in the build.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    this.#entry = fileURLToPath(new URL(`../${program}/main${extension}`, import.meta.url));
    this.#environment = environment;
    this.#handlers = handlers;
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Returns the process id. Throws when no process can be made. */
  start(): number {
    if (this.#child) throw new Error(`${this.id} runs already`);
    const child = spawn(process.execPath, [this.#entry], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    if (child.pid === undefined) throw new Error(`${this.id} cannot be started`);
    this.#child = child;
    this.#paused = false;
    const lift = guardChild(child.pid);
    const read = Promise.all([this.#read(child.stdout, 'stdout'), this.#read(child.stderr, 'stderr')]);
    this.#ended = once(child, 'exit').then(async ([code, signal]) => {
      lift();
      this.#child = null;
      this.#paused = false;
      await Promise.race([read, sleep(LAST_LINES_MS, undefined, { ref: false })]);
      this.#handlers.onExit(code, signal);
    });
    return child.pid;
  }

  async #read(input: Readable, stream: 'stdout' | 'stderr'): Promise<void> {
    const tooLong = () => new Error(`a line has more than ${MAX_LINE_BYTES} bytes: no more of it is read`);
    try {
      for await (const { bytes } of linesIn(input, MAX_LINE_BYTES, tooLong))
        this.#handlers.onLine(bytes.toString('utf8'), stream);
    } catch (error) {
      this.#handlers.onLine(messageOf(error), stream);
    }
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** SIGSTOP: its connections stay open and nothing answers. */
  pause(): void {
    this.#paused = this.#child?.kill('SIGSTOP') ?? false;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#paused = false;
  }

  /** SIGTERM, and SIGKILL when that is not enough in time. Resolves once the process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return this.#ended;
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // a frozen process takes no other signal
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
