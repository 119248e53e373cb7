// A logger in this process: the real API over the real service, driver and log on the real disk; it leads alone. What the API
// hands on to be appended, and how that ended, is kept to be compared with what the log holds.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  type Api,
  type AppendCode,
  type AppendResult,
  createApi,
  type OfferedBatch,
} from '../../../../src/api/index.ts';
import {
  type DurableLog,
  NodeDisk,
  openLog,
  type ProducerStamp,
  type RecordInput,
  recordsOf,
} from '../../../../src/log/index.ts';
import { Appends } from '../../../../src/logger/appends.ts';
import { realClock } from '../../../../src/logger/clock.ts';
import { CommitWaiters } from '../../../../src/logger/commit-waiters.ts';
import { ReplicationDriver } from '../../../../src/logger/driver/index.ts';
import { LeaderWait } from '../../../../src/logger/leader-wait.ts';
import { LeadershipHistory } from '../../../../src/logger/leadership-history.ts';
import { Operator } from '../../../../src/logger/operator.ts';
import { Service } from '../../../../src/logger/service.ts';
import { neverRoom } from '../../../support/log-fixture.ts';
import { until } from '../../../support/until.ts';
import { SELF, Wire } from '../peers/wire.ts';
import { lastingSessions, StandingRegister } from '../peers/world.ts';

export const LIMITS = {
  bodyBytes: 64 * 1024,
  recordBytes: 16 * 1024,
  bufferedBytes: 1024 * 1024,
  readers: 8,
};
const BOUNDS = {
  lingerMs: 50,
  headersTimeoutMs: 200,
  requestTimeoutMs: 200,
  timeoutCheckMs: 20,
  maxWaitMs: 50,
  stallTimeoutMs: 2000,
  heartbeatMs: 50,
};

export interface Appended {
  readonly offset: number;
  readonly count: number;
  readonly values: readonly Buffer[];
}

class WatchedService extends Service {
  readonly appended: Appended[] = [];
  /** Appends under way: they go on when their client has left. */
  pending = 0;

  override append(records: readonly RecordInput[], stamp: ProducerStamp | null): Promise<AppendResult> {
    const values = records.map(({ value }) => Buffer.from(value));
    return this.#noted(super.append(records, stamp), values);
  }

  override appendBatch(batch: OfferedBatch): Promise<AppendResult> {
    const values = [...recordsOf([offsetZero(batch.bytes)])].map(({ value }) => Buffer.from(value));
    return this.#noted(super.appendBatch(batch), values);
  }

  async #noted(append: Promise<AppendResult>, values: readonly Buffer[]): Promise<AppendResult> {
    this.pending += 1;
    try {
      const result = await append;
      this.appended.push({ offset: result.offset, count: result.count, values });
      return result;
    } finally {
      this.pending -= 1;
    }
  }
}

/** A batch that a client made has no offset, epoch or time yet, and they may be anything. */
function offsetZero(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  return copy.fill(0, 0, 8).fill(0, 12, 16).fill(0, 27, 43);
}

export class SoloLogger {
  readonly api: Api;
  readonly log: DurableLog;
  readonly service: WatchedService;
  /** Lines that the API logged as errors. */
  readonly errors: string[] = [];
  /** How appends ended, in the words of the metrics. */
  readonly codes: AppendCode[] = [];
  /** Live readers now. */
  readers = 0;
  readonly #end: () => Promise<void>;

  static async open(): Promise<SoloLogger> {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-fuzz-'));
    const opened = await openLog({
      disk: new NodeDisk(),
      directory,
      randomUuid: () => SELF.uid,
      onFatal: fatal,
      waitForRoom: neverRoom,
    });
    const wire = await Wire.open();
    const self = { ...SELF, peer: '127.0.0.1:2' };
    const replicated = new ReplicationDriver({
      self,
      api: 'http://127.0.0.1:2',
      bootstrap: [self],
      log: opened.log,
      state: opened.state,
      register: new StandingRegister({ value: null, index: 0, session: null }),
      sessions: lastingSessions,
      transport: wire.asTransport,
      clock: realClock,
      newUuid: randomUUID,
      onFatal: fatal,
    });
    const logger = new SoloLogger(opened.log, replicated, async () => {
      await logger.api.close(0);
      await replicated.stop({ handover: false });
      await wire.transport.close();
      await opened.log.close();
      await rm(directory, { recursive: true, force: true });
    });
    await logger.api.listen({ host: '127.0.0.1', port: 0 });
    replicated.start();
    await until('it leads', () => replicated.role.kind === 'leader');
    return logger;
  }

  private constructor(log: DurableLog, replicated: ReplicationDriver, end: () => Promise<void>) {
    this.log = log;
    this.#end = end;
    const waiters = new CommitWaiters();
    replicated.onCommit((commit) => waiters.advance(commit));
    const limits = { maxPendingBytes: 2 ** 20, maxPendingRequests: 1000, appendTimeoutMs: 5000 };
    this.service = new WatchedService({
      id: SELF.id,
      cluster: 'fuzz',
      version: '0.0.0',
      log,
      replicated,
      appends: new Appends(log, replicated, limits, () => {}),
      waiters,
      leaderWait: new LeaderWait(replicated, 1000),
      operator: new Operator(replicated, false),
      recent: { since: () => ({ intervalMs: 2000, maxSamples: 300, samples: [] }) },
      history: new LeadershipHistory(SELF.id, log, replicated),
      registerReadable: () => true,
      consul: () => ({ reachable: true, address: null, error: null }),
      label: () => ({ enabled: false, wanted: 'leader', observed: null, inSync: true, error: null }),
      damage: () => null,
      onRead: () => {},
    });
    const ignore = (): void => {};
    this.api = createApi({
      service: this.service,
      limits: LIMITS,
      bounds: BOUNDS,
      log: pino({ level: 'error' }, { write: (line: string) => void this.errors.push(line) }),
      metrics: {
        onRequest: ignore,
        onAppend: ({ code }) => void this.codes.push(code),
        onReaders: (count) => {
          this.readers = count;
        },
        onTlsFailure: ignore,
        onSlowReader: ignore,
      },
      metricsText: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
      version: '0.0.0',
    });
  }

  close(): Promise<void> {
    return this.#end();
  }
}

const fatal = (error: Error): never => {
  throw error;
};
