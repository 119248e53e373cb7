// A real logger as a child process that a test starts, kills, freezes, wipes and starts again on the same ports and data.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/api/index.ts';
import { guardChild } from '../../src/stack/consul-guard.ts';

const MAIN = fileURLToPath(new URL('../../src/logger/main.ts', import.meta.url));
const STATUS_TIMEOUT_MS = 1000;
const MAX_LINES = 5000;

export interface LoggerSpec {
  readonly id: string;
  readonly apiPort: number;
  readonly peerPort: number;
  readonly dataDir: string;
  /** Whatever else the logger is configured with. */
  readonly environment: Readonly<Record<string, string>>;
  /** For Node itself, before the program. */
  readonly nodeArguments?: readonly string[];
  /** The program to run instead of the source: a build of it. */
  readonly main?: string;
  /** A file that takes what it prints, at the speed of a file and not of a test that reads lines. */
  readonly outputFile?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class LoggerProcess {
  readonly id: string;
  readonly api: string;
  readonly peer: string;
  readonly dataDir: string;
  /** What it printed on stdout and stderr, in all its lives; the last lines of it. */
  readonly lines: string[] = [];
  readonly #spec: LoggerSpec;
  #child: ChildProcess | null = null;
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  #paused = false;

  constructor(spec: LoggerSpec) {
    this.#spec = spec;
    this.id = spec.id;
    this.dataDir = spec.dataDir;
    this.api = `http://127.0.0.1:${spec.apiPort}`;
    this.peer = `127.0.0.1:${spec.peerPort}`;
  }

  /** Alive and not frozen. */
  get running(): boolean {
    return this.#child !== null && !this.#paused;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Resolves when the process that was started last is gone. */
  get exited(): Promise<Exit> {
    return this.#exit;
  }

  start(): void {
    if (this.#child) throw new Error(`${this.id} runs already`);
    const {
      id,
      apiPort,
      peerPort,
      dataDir,
      environment,
      nodeArguments = [],
      main = MAIN,
      outputFile,
    } = this.#spec;
    const output = outputFile === undefined ? null : openSync(outputFile, 'a');
    const child = spawn(process.execPath, [...nodeArguments, main], {
      stdio: ['ignore', output ?? 'pipe', output ?? 'pipe'],
      env: {
        ...process.env,
        DLOG_ID: id,
        DLOG_DATA_DIR: dataDir,
        DLOG_API_HOST: '127.0.0.1',
        DLOG_API_PORT: String(apiPort),
        DLOG_PEER_HOST: '127.0.0.1',
        DLOG_PEER_PORT: String(peerPort),
        DLOG_KUBERNETES: 'off',
        DLOG_PRINT_RECORDS: 'false',
        ...environment,
      },
    });
    const lift = child.pid === undefined ? () => {} : guardChild(child.pid);
    this.#child = child;
    this.#paused = false;
    if (output !== null) closeSync(output);
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    this.#exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        lift();
        this.#child = null;
        resolve({ code, signal });
      });
    });
  }

  /** SIGKILL, as a crash. */
  kill(): Promise<Exit> {
    this.#child?.kill('SIGKILL');
    return this.#exit;
  }

  /** SIGTERM: the orderly end. */
  terminate(): Promise<Exit> {
    this.#child?.kill('SIGTERM');
    return this.#exit;
  }

  /** SIGSTOP: its connections stay open and nothing answers. */
  pause(): void {
    this.#paused = true;
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#paused = false;
    this.#child?.kill('SIGCONT');
  }

  /** Deletes its volume, while it does not run. */
  async wipe(): Promise<void> {
    if (this.#child) throw new Error(`${this.id} runs`);
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Null when it does not answer in time. */
  async status(): Promise<Status | null> {
    try {
      const signal = AbortSignal.timeout(STATUS_TIMEOUT_MS);
      const response = await fetch(`${this.api}/api/v1/status`, { signal });
      return response.ok ? ((await response.json()) as Status) : null;
    } catch {
      return null; // dead, frozen or starting: the caller asks again until its own deadline
    }
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }
}
