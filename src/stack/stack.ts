// The local stack: Consul, loggers and a producer as processes of this machine. It starts them, starts again what dies, knows
// who leads by the loggers' own words, and leaves nothing behind.
import { LogClient } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import { asSet } from '../program.ts';
import { openData, removeData, type StackData } from './data.ts';
import type { Emit, ReadyEvent, StackEvent } from './events.ts';
import type { StackFlags } from './flags.ts';
import { apiOf, busyPorts, type Layout, layoutOf, loggerEnvironment, producerEnvironment } from './layout.ts';
import { meaningOf } from './lines.ts';
import { ManagedProcess, type Program } from './managed-process.ts';
import { ownConsul, runningConsul, type StackConsul } from './stack-consul.ts';

const PRODUCER = 'producer';
const RESTART_MS = 1_000;
const START_TIMEOUT_MS = 60_000;
const TRANSFER_TIMEOUT_MS = 5_000;
const LAST_LINES = 8;
const LAST_LINE_CHARS = 500;

/** The stack cannot be started; the message says why and what to do. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

export class Stack {
  readonly #flags: StackFlags;
  readonly #out: Emit;
  readonly #loggers = new Map<string, ManagedProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  /** Of each process, for one that ends before it serves. */
  readonly #lastLines = new Map<string, readonly string[]>();
  readonly #serving = new Set<string>();
  readonly #startFailed = Promise.withResolvers<never>();
  readonly #allServe = Promise.withResolvers<void>();
  #layout: Layout | null = null;
  #data: StackData | null = null;
  #consul: Promise<StackConsul> | null = null;
  #producer: ManagedProcess | null = null;
  /** Null when the last known leader has ended. */
  #leaderId: string | null = null;
  #epoch = 0;
  /** What happens before `ready` is told after it. */
  #held: StackEvent[] | null = [];
  #stopping: Promise<void> | null = null;

  constructor(flags: StackFlags, out: Emit) {
    this.#flags = flags;
    this.#out = out;
    this.#startFailed.promise.catch(() => undefined); // a failure after the start has nobody to tell
  }

  /** Resolves when everything runs and every logger serves. Rejects with StackError, and has then to be stopped. */
  async start(): Promise<void> {
    const { data, consul: consulUrls, rate, basePort } = this.#flags;
    const layout = await layoutOf(this.#flags);
    const busy = await busyPorts(layout, this.#flags);
    if (busy.length > 0)
      throw new StackError(
        `ports in use by another process: ${busy.join(', ')}. Choose others with --base-port` +
          (consulUrls === null ? ', or use a Consul that runs already with --consul.' : '.'),
      );
    this.#data = await asSet('--data', openData(data, consulUrls !== null));
    this.#consul = this.#startConsul(layout, this.#data);
    const { urls } = await this.#consul;
    // Free ports are looked for as late as can be. Looked for before Consul starts, which takes seconds and ports of its own,
    // they were taken now and then when a logger came to listen.
    this.#layout = basePort === 0 ? await layoutOf(this.#flags) : layout;
    if (this.#stopping) throw new StackError('it was told to end');
    const around = { layout: this.#layout, ...this.#data, consulUrls: urls };
    for (const place of this.#layout.loggers) {
      const logger = this.#process(place.id, 'logger', loggerEnvironment(place, around));
      this.#loggers.set(place.id, logger);
      logger.start();
    }
    if (rate > 0) {
      const environment = producerEnvironment(around, rate, this.#data.producerId);
      this.#producer = this.#process(PRODUCER, PRODUCER, environment);
      this.#producer.start();
    }
    await this.#untilAllServe();
    this.#open(this.#ready(this.#layout, this.#data, await this.#consul));
  }

  /** Ends every process, the producer first, and removes what is temporary. Resolves when none is left. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  /** SIGKILL to every process at once, for an end in a hurry. */
  killAll(): void {
    for (const each of this.#processes()) each.kill();
  }

  killLeader(): void {
    const leader = this.#leading();
    if (leader?.pid == null) return void this.#note('there is no leader to kill now');
    this.#emit({ event: 'killed', id: leader.id, pid: leader.pid });
    leader.kill();
  }

  /** Freezes the leader, or thaws the logger that is frozen. */
  togglePause(): void {
    const frozen = [...this.#loggers.values()].find(({ paused }) => paused);
    const target = frozen ?? this.#leading();
    if (target?.pid == null) return void this.#note('there is no leader to pause now');
    this.#emit({ event: frozen ? 'resumed' : 'paused', id: target.id, pid: target.pid });
    if (frozen) target.resume();
    else target.pause();
  }

  async transfer(): Promise<void> {
    const place = this.#layout?.loggers.find(({ id }) => id === this.#leaderId);
    if (!place) return void this.#note('there is no leader to transfer from now');
    const client = new LogClient({ target: apiOf(place) });
    try {
      const { to, epoch } = await client.transfer({ signal: AbortSignal.timeout(TRANSFER_TIMEOUT_MS) });
      this.#emit({ event: 'transfer', id: place.id, to, epoch });
    } catch (error) {
      this.#note(`leadership was not transferred: ${messageOf(error)}`);
    } finally {
      await client.close();
    }
  }

  async #startConsul(layout: Layout, { directory, cluster, temporary }: StackData): Promise<StackConsul> {
    const { consul } = this.#flags;
    try {
      if (consul !== null) return await runningConsul(consul, temporary ? cluster : null);
      this.#note('starting Consul');
      return await ownConsul(directory, layout.consulPort, (line) => this.#note(line));
    } catch (error) {
      throw new StackError(messageOf(error), { cause: error });
    }
  }

  #process(id: string, program: Program, environment: Record<string, string>): ManagedProcess {
    const made: ManagedProcess = new ManagedProcess(id, program, environment, {
      onLine: (line, stream) => this.#onLine(id, line, stream),
      onExit: (code, signal) => this.#onExit(made, code, signal),
    });
    return made;
  }

  #onLine(id: string, line: string, stream: 'stdout' | 'stderr'): void {
    const { event, leads, started } = meaningOf(id, line, stream);
    const last = this.#lastLines.get(id) ?? [];
    this.#lastLines.set(id, [...last, line.slice(0, LAST_LINE_CHARS)].slice(-LAST_LINES));
    if (leads !== null && leads > this.#epoch) {
      this.#leaderId = id;
      this.#epoch = leads;
      this.#emit({ event: 'leader', id, epoch: leads });
    } else this.#emit(event);
    if (started) this.#serving.add(id);
    if (this.#serving.size === this.#loggers.size + (this.#producer ? 1 : 0)) this.#allServe.resolve();
  }

  #onExit(ended: ManagedProcess, code: number | null, signal: string | null): void {
    const { id } = ended;
    this.#emit({ event: 'exit', id, code, signal });
    if (this.#leaderId === id) this.#leaderId = null;
    if (this.#stopping) return;
    const said = (this.#lastLines.get(id) ?? []).map((line) => `\n  ${line}`).join('');
    const how = signal ?? `code ${code}`;
    this.#startFailed.reject(
      new StackError(`${id} ended at once, with ${how}${said && `; it said last:${said}`}`),
    );
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#startAgain(ended);
    }, RESTART_MS);
    this.#restarts.add(timer);
  }

  #startAgain(ended: ManagedProcess): void {
    try {
      this.#emit({ event: 'restarted', id: ended.id, pid: ended.start() });
    } catch (error) {
      this.#note(messageOf(error));
    }
  }

  async #untilAllServe(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new StackError(`not all loggers served after ${START_TIMEOUT_MS / 1000} s`)),
      START_TIMEOUT_MS,
    );
    try {
      await Promise.race([this.#allServe.promise, this.#startFailed.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #ready(layout: Layout, { directory, cluster }: StackData, consul: StackConsul): ReadyEvent {
    const pidOf = (process: ManagedProcess | undefined): number => process?.pid ?? 0;
    return {
      event: 'ready',
      loggers: layout.loggers.map((place) => ({
        id: place.id,
        pid: pidOf(this.#loggers.get(place.id)),
        api: apiOf(place),
      })),
      producer: this.#producer && {
        pid: pidOf(this.#producer),
        url: apiOf({ id: PRODUCER, apiPort: layout.producerPort, peerPort: 0 }),
      },
      consul: { pid: consul.pid, address: consul.urls.join(',') },
      cluster,
      data: directory,
    };
  }

  async #stop(reason: string): Promise<void> {
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#open({ event: 'stopping', reason });
    await this.#producer?.stop();
    await Promise.all([...this.#loggers.values()].map((logger) => logger.stop()));
    await this.#stopConsul();
    if (this.#data) await removeData(this.#data);
    this.#emit({ event: 'stopped' });
  }

  async #stopConsul(): Promise<void> {
    const consul = await this.#consul?.catch(() => null); // a failed start has been told
    try {
      await consul?.stop();
    } catch (error) {
      this.#note(`Consul: ${messageOf(error)}`);
    }
  }

  #leading(): ManagedProcess | undefined {
    return this.#loggers.get(this.#leaderId ?? '');
  }

  #processes(): ManagedProcess[] {
    return [...this.#loggers.values(), ...(this.#producer ? [this.#producer] : [])];
  }

  #note(message: string): void {
    this.#out({ event: 'note', message });
  }

  #emit(event: StackEvent): void {
    if (this.#held) this.#held.push(event);
    else this.#out(event);
  }

  /** Tells `first`, and then what was held back. */
  #open(first: StackEvent): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#out(first);
    for (const event of held) this.#out(event);
  }
}
