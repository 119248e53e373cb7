// Builds the producer from its configuration and runs its series until it is told to stop.
import pino, { type Logger as PinoLogger } from 'pino';
import { Producer } from '../client/index.ts';
import { ConfigError, type ProducerConfig, producerSettings, readConfig } from '../config.ts';
import { messageOf } from '../errors.ts';
import { asSet, EXIT_SOFTWARE, type Running } from '../program.ts';
import {
  type ConsulTrust,
  consulTrustOf,
  type Followed,
  followFile,
  readAuthorities,
  readToken,
} from '../security/index.ts';
import { withoutUserInfo } from '../user-info.ts';
import { VERSION } from '../version.ts';
import { createProducerMetrics } from './metrics.ts';
import { Numbering } from './numbering.ts';
import { Pace } from './pace.ts';
import { startProbes } from './probes.ts';
import { Report } from './report.ts';
import { Series } from './series.ts';

const MAX_PRODUCER_ID = 2n ** 63n - 1n;
/** EX_TEMPFAIL: another producer took over this id. Started again, this one would take over in its turn. */
const EXIT_FENCED = 75;

/** Starts to send. Rejects with ConfigError for a wrong configuration. */
export async function startProducer(environment: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(producerSettings, environment);
  const stdout = pino.destination({ fd: 1, sync: false });
  const out = pino({ level: config.logLevel, base: { id: config.id } }, stdout);
  const metrics = createProducerMetrics({ version: VERSION, node: process.version });
  const numbering = new Numbering(config.message);
  const report = new Report({ out, metrics, numbering, rate: config.rate });
  const trust = await trustOf(config, out);
  const producer = producerOf(config, report, trust);
  const starting = startProbes({
    host: config.host,
    port: config.port,
    notReady: () => report.stuck,
    metrics: async () => ({
      contentType: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
  });
  const probes = await asSet('DLOG_PRODUCER_PORT', starting);
  out.info(
    { event: 'started', url: probes.url, producerId: String(producer.id), version: VERSION },
    startedLine(config, probes.url),
  );

  const ending = new AbortController();
  const giveUp = new AbortController();
  const series = new Series({
    producer,
    numbering,
    pace: new Pace(config.rate),
    keptId: config.producerId !== null,
    retryMaxMs: config.retryMaxMs,
    report,
  });
  const running = series.run(ending.signal, giveUp.signal).catch((error: unknown) => {
    fail(error, out);
    stdout.flushSync();
    process.exit(exitCodeOf(error));
  });
  return {
    async stop(reason) {
      out.info({ event: 'stopping' }, `Stopping: ${reason}`);
      ending.abort();
      const timer = setTimeout(
        () => giveUp.abort(new Error(`not acknowledged within ${config.shutdownTimeoutMs} ms`)),
        config.shutdownTimeoutMs,
      );
      await running;
      clearTimeout(timer);
      report.end();
      await producer.close();
      trust.stop();
      await probes.close();
      stdout.flushSync();
    },
  };
}

/** What it shows to loggers and Consul, and whom it believes. */
interface Trust {
  readonly token: () => string;
  readonly ca: Followed<string> | null;
  readonly consul: ConsulTrust;
  stop(): void;
}

async function trustOf(config: ProducerConfig, out: PinoLogger): Promise<Trust> {
  const { tokenFile, caFile } = config;
  const consul = await consulTrustOf(config, out);
  const token = await followFile(tokenFile, readToken, {
    variable: 'DLOG_TOKEN_FILE',
    what: 'The token',
    log: out,
  });
  const ca = await followFile(caFile, readAuthorities, {
    variable: 'DLOG_CA_FILE',
    what: "The loggers' authorities",
    log: out,
  });
  return {
    token: () => token?.current ?? '',
    ca,
    consul,
    stop() {
      for (const each of [token, ca, consul]) each?.stop();
    },
  };
}

function producerOf(config: ProducerConfig, report: Report, { token, ca, consul }: Trust): Producer {
  const id = config.producerId === null ? undefined : BigInt(config.producerId);
  if (id !== undefined && id > MAX_PRODUCER_ID)
    throw new ConfigError([`DLOG_PRODUCER_ID is ${id}: it takes ${producerSettings.producerId.takes}`]);
  const { consulUrls: urls, cluster } = config;
  return new Producer({
    ...(config.target === null
      ? { consul: { urls, cluster, token: consul.token, ca: consul.ca } }
      : { target: config.target }),
    token,
    ...(ca !== null && { ca: () => ca.current }),
    ...(id !== undefined && { id }),
    requestTimeoutMs: config.requestTimeoutMs,
    retryMaxMs: config.retryMaxMs,
    onRetry: (retry) => report.retry(retry),
  });
}

function startedLine({ target, consulUrls, cluster, rate }: ProducerConfig, url: string): string {
  const where = target
    ? target.join(', ')
    : `the leader of cluster ${cluster} in Consul at ${consulUrls.join(', ')}`;
  const pace = rate === 0 ? 'as fast as they are acknowledged' : `at ${rate} a second`;
  return `Sending to ${withoutUserInfo(where)}, ${pace}; probes and metrics at ${url}`;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

function exitCodeOf(error: unknown): number {
  if (codeOf(error) === 'producer-fenced') return EXIT_FENCED;
  return codeOf(error) === 'epoch-exhausted' ? ConfigError.exitCode : EXIT_SOFTWARE;
}

function fail(error: unknown, out: PinoLogger): void {
  if (codeOf(error) === 'producer-fenced')
    out.fatal({ event: 'fatal' }, 'Another producer with this id has taken over: this one ends');
  else out.fatal({ event: 'fatal', err: error }, `Cannot go on: ${messageOf(error)}`);
}
