// A real logger as a child process that a test starts, kills, freezes, wipes and starts again on the same ports and data.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/api/index.ts';
import { Http, readBody } from '../../src/client/http.ts';
import type { ClientOptions } from '../../src/client/index.ts';
import { accessOf } from '../../src/client/settings.ts';
import { inUrl } from '../../src/logger/addresses.ts';
import { guardChild } from '../../src/stack/consul-guard.ts';

const MAIN = fileURLToPath(new URL('../../src/logger/main.ts', import.meta.url));
export const LOOPBACK = '127.0.0.1';
const STATUS_TIMEOUT_MS = 1000;
const MAX_LINES = 5000;
const MAX_STATUS_BYTES = 1024 * 1024;
/** The deadline is enough. */
const NEVER = new AbortController().signal;

export interface LoggerSpec {
  readonly id: string;
  /** 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  readonly apiPort: number;
  readonly peerPort: number;
  readonly dataDir: string;
  /** Whatever else the logger is configured with. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it is to be shown, where its API asks for a token or is over TLS. */
  readonly access?: Pick<ClientOptions, 'token' | 'ca'>;
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
    const scheme = spec.environment.DLOG_API_TLS_CERT_FILE ? 'https' : 'http';
    const host = inUrl(spec.host ?? LOOPBACK);
    this.api = `${scheme}://${host}:${spec.apiPort}`;
    this.peer = `${host}:${spec.peerPort}`;
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
      host = LOOPBACK,
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
        DLOG_API_HOST: host,
        DLOG_API_PORT: String(apiPort),
        DLOG_PEER_HOST: host,
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
    const http = new Http(STATUS_TIMEOUT_MS, accessOf(this.#spec.access ?? {}));
    try {
      const question = { method: 'GET', path: '/api/v1/status', toLogger: true } as const;
      const limits = { timeoutMs: STATUS_TIMEOUT_MS, signal: NEVER };
      return await http.request(this.api, question, limits, async (response) =>
        response.status === 200
          ? (JSON.parse((await readBody(response, MAX_STATUS_BYTES)).toString('utf8')) as Status)
          : null,
      );
    } catch {
      return null; // dead, frozen or starting: the caller asks again until its own deadline
    } finally {
      await http.close();
    }
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }
}
