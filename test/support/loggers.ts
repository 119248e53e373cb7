// A cluster of real loggers for one test: on free ports, with data in a temporary directory; ended and deleted after the test.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inUrl } from '../../src/logger/addresses.ts';
import { freePorts } from '../../src/stack/consul-ports.ts';
import { eventually } from './eventually.ts';
import { LOOPBACK, LoggerProcess, type LoggerSpec } from './logger-process.ts';

/** Under load a follower is always a little behind. */
const IN_SYNC_LAG = 100;
const SHOWN_LINES = 15;

/** Whom the loggers belong to: a test's context. */
export interface Owner {
  after(end: () => Promise<void>): void;
  diagnostic(message: string): void;
  readonly passed?: boolean;
}

export interface LoggersOptions {
  readonly consulUrls: readonly string[];
  readonly count?: number;
  /** Where they listen: 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What tests show the loggers, where they ask for a token or speak TLS. */
  readonly access?: LoggerSpec['access'];
  readonly nodeArguments?: readonly string[];
  /** As of a logger's process. */
  readonly main?: string;
  /** What the loggers print goes to files beside their data, instead of into `lines`. */
  readonly printToFiles?: boolean;
}

export class Loggers {
  readonly cluster: string;
  readonly all: LoggerProcess[];
  /** Holds their data directories. */
  readonly #dir: string;
  readonly #options: LoggersOptions;
  readonly #peers: string;

  private constructor(dir: string, options: LoggersOptions, ports: readonly number[]) {
    this.cluster = `test-${randomUUID().slice(0, 8)}`;
    this.#dir = dir;
    this.#options = options;
    const ids = Array.from({ length: ports.length / 2 }, (_, ordinal) => `logger-${ordinal}`);
    this.#peers = ids.map((id, at) => `${id}=${this.#host}:${ports[2 * at + 1]}`).join(',');
    this.all = ids.map((id, at) => this.#make(id, ports.slice(2 * at, 2 * at + 2), this.#peers));
  }

  /** Makes the loggers, three unless told otherwise, and starts none. */
  static async make(owner: Owner, options: LoggersOptions): Promise<Loggers> {
    const dir = await mkdtemp(join(tmpdir(), 'distributed-logger-test-'));
    const loggers = new Loggers(dir, options, await freePorts((options.count ?? 3) * 2));
    owner.after(async () => {
      if (owner.passed === false)
        for (const { id, lines } of loggers.all)
          owner.diagnostic(`${id} said last:\n${lines.slice(-SHOWN_LINES).join('\n')}`);
      await Promise.all(loggers.all.map((logger) => logger.kill()));
      await rm(dir, { recursive: true, force: true });
    });
    return loggers;
  }

  /** Makes and starts them; resolves when one leads and the others follow it. */
  static async start(owner: Owner, options: LoggersOptions): Promise<Loggers> {
    const loggers = await Loggers.make(owner, options);
    for (const logger of loggers.all) logger.start();
    await loggers.inSync();
    return loggers;
  }

  get #host(): string {
    return inUrl(this.#options.host ?? LOOPBACK);
  }

  get apis(): string[] {
    return this.all.map(({ api }) => api);
  }

  /** One more logger, of whom the others have not heard. Not started. */
  async add(id: string): Promise<LoggerProcess> {
    const ports = await freePorts(2);
    const logger = this.#make(id, ports, `${this.#peers},${id}=${this.#host}:${ports[1]}`);
    this.all.push(logger);
    return logger;
  }

  /** A second process under the name of another logger, with ports and a data directory of its own. Not started. */
  async twinOf({ id }: LoggerProcess): Promise<LoggerProcess> {
    const twin = this.#make(id, await freePorts(2), this.#peers, `${id}-twin`);
    this.all.push(twin);
    return twin;
  }

  /**
   * Resolves with the leader once every logger that runs follows it, all of them (or those named) are members, and
   * none is far behind.
   */
  inSync(ids?: readonly string[]): Promise<LoggerProcess> {
    const running = this.all.filter((logger) => logger.running);
    const expected = [...(ids ?? running.map(({ id }) => id))].sort().join();
    return eventually(`the members ${expected} are in sync`, async () => {
      const all = await Promise.all(running.map((logger) => logger.status()));
      const leading = all.filter((status) => status?.role === 'leader');
      const [leader] = leading;
      if (!leader || leading.length > 1) return null;
      const one = all.every((status) => status?.leader?.id === leader.id && status.epoch === leader.epoch);
      const members = leader.members.map(({ id }) => id).sort();
      const close = leader.members.every(({ id, lag }) =>
        lag !== null ? lag < IN_SYNC_LAG : !running.some((logger) => logger.id === id),
      );
      if (!one || !close || members.join() !== expected) return null;
      return running.find(({ id }) => id === leader.id);
    });
  }

  /** All but the given one. */
  others(than: LoggerProcess): LoggerProcess[] {
    return this.all.filter((logger) => logger !== than);
  }

  #make(id: string, [apiPort, peerPort]: readonly number[], peers: string, name = id): LoggerProcess {
    const {
      consulUrls,
      host,
      environment,
      access,
      nodeArguments = [],
      main,
      printToFiles = false,
    } = this.#options;
    return new LoggerProcess({
      ...(access !== undefined && { access }),
      nodeArguments,
      ...(main !== undefined && { main }),
      ...(printToFiles && { outputFile: join(this.#dir, `${name}.out`) }),
      id,
      ...(host !== undefined && { host }),
      apiPort: apiPort as number,
      peerPort: peerPort as number,
      dataDir: join(this.#dir, name),
      environment: {
        DLOG_CLUSTER: this.cluster,
        DLOG_PEERS: peers,
        DLOG_CONSUL_URLS: consulUrls.join(','),
        ...environment,
      },
    });
  }
}
