// One Consul server as a child process that can be stopped, killed, frozen and started again on the same data and ports.
// It runs in a process group of its own: Ctrl-C reaches the program that started it, and that decides the order of the end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { ConsulBinary } from './consul-binary.ts';
import { type ServerShape, serverConfig } from './consul-config.ts';
import { guardChild } from './consul-guard.ts';
import { urlHost } from './consul-ports.ts';

const readyTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;
const probeTimeoutMs = 1_000;
const probeEveryMs = 50;
const frozenTimeoutMs = 200;
const reportedLines = 8;

/** The server ended or could not be reached in time; `portTaken` tells that another process had its port. */
export class ConsulStartError extends Error {
  override readonly name = 'ConsulStartError';
  readonly portTaken: boolean;
  constructor(message: string, portTaken: boolean) {
    super(message);
    this.portTaken = portTaken;
  }
}

export class ConsulServer {
  readonly name: string;
  readonly url: string;
  /** As /v1/status/leader names it. */
  readonly rpcAddress: string;
  readonly logFile: string;
  readonly #binary: ConsulBinary;
  readonly #shape: ServerShape;
  #child: ChildProcess | null = null;
  #paused = false;

  constructor(binary: ConsulBinary, shape: ServerShape) {
    this.name = shape.name;
    this.url = `http://${urlHost}:${shape.ports.http}`;
    this.rpcAddress = `${urlHost}:${shape.ports.rpc}`;
    this.logFile = `${shape.directory}.log`;
    this.#binary = binary;
    this.#shape = shape;
  }

  /** Process id; null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get dataDirectory(): string {
    return this.#shape.directory;
  }

  get running(): boolean {
    return this.#child !== null && !this.#paused;
  }

  /** Starts the process and resolves when its HTTP API answers, with or without a leader. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} runs already`);
    const configFile = `${this.#shape.directory}.json`;
    mkdirSync(dirname(configFile), { recursive: true });
    await writeFile(configFile, serverConfig(this.#shape));
    this.#spawn(configFile);
    const deadline = performance.now() + readyTimeoutMs;
    while ((await this.#get('/v1/status/leader')) === null) {
      if (!this.#child) throw await this.#startError('ended at once');
      if (performance.now() > deadline) throw await this.#startError('did not answer in time');
      await sleep(probeEveryMs);
    }
  }

  /** RPC address of the leader that this server knows and can read through consistently; null when there is none. */
  async leaderAddress(): Promise<string | null> {
    const read = await this.#get('/v1/kv/distributed-logger?consistent&keys');
    if (read === null || read.status >= 500) return null;
    const leader = await this.#get('/v1/status/leader');
    const address = leader?.status === 200 ? JSON.parse(leader.body) : null;
    return typeof address === 'string' && address !== '' ? address : null;
  }

  /** SIGTERM, and SIGKILL when that is not enough in time. Resolves once the process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // a frozen process takes no other signal
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await gone;
    clearTimeout(timer);
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** SIGSTOP: connections stay open and nothing answers. Resolves once that is so: the signal takes its time to arrive. */
  async pause(): Promise<void> {
    this.#paused = true;
    this.#child?.kill('SIGSTOP');
    while (this.#child && (await this.#get('/v1/status/leader', frozenTimeoutMs)) !== null)
      await sleep(probeEveryMs);
  }

  resume(): void {
    this.#paused = false;
    this.#child?.kill('SIGCONT');
  }

  #spawn(configFile: string): void {
    const log = openSync(this.logFile, 'a');
    const child = spawn(this.#binary.path, ['agent', '-config-file', configFile], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#paused = false;
    const lift = child.pid === undefined ? () => {} : guardChild(child.pid);
    const ended = () => {
      lift();
      if (this.#child === child) this.#child = null;
    };
    child.once('exit', ended);
    child.once('error', ended);
  }

  /** Status and body of an answer; null when there is none in time. */
  async #get(path: string, timeoutMs = probeTimeoutMs): Promise<{ status: number; body: string } | null> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(`${this.url}${path}`, { signal });
      return { status: response.status, body: await response.text() };
    } catch {
      return null; // not up, frozen or going down: the caller asks again until its own deadline
    }
  }

  async #startError(what: string): Promise<ConsulStartError> {
    await this.kill();
    const log = await readFile(this.logFile, 'utf8').catch((error) => messageOf(error));
    const last = log.trimEnd().split('\n').slice(-reportedLines);
    const portTaken = last.some((line) => line.includes('address already in use'));
    return new ConsulStartError(`${this.name} ${what}; its log ends:\n${last.join('\n')}`, portTaken);
  }
}
