// Builds a logger from its configuration, from the world outside inwards; what was built is taken down in the reverse order,
// also when a later part cannot be built. The parts know nothing of each other but the interfaces they are given here.
import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import pino, { type Logger as PinoLogger } from 'pino';
import { type Access, createApi, knownHosts } from '../api/index.ts';
import { ConfigError, type LoggerConfig, loggerSettings, readConfig } from '../config.ts';
import { ConsulError, createElection, type Election, RegisterMalformed } from '../election/index.ts';
import { messageOf } from '../errors.ts';
import { createKubernetes, type Kubernetes } from '../kubernetes/index.ts';
import { limitProblems, memoryWarning, retentionWarnings, segmentSizeOf } from '../limits.ts';
import { createMetrics, type Metrics, type Observed } from '../metrics.ts';
import { asSet, EXIT_SOFTWARE, type Running } from '../program.ts';
import { DEFAULT_TIMINGS } from '../replica/index.ts';
import { createTransport, type WireTransport } from '../replication/index.ts';
import { followSetting, readTokens, type Tokens } from '../security/index.ts';
import { VERSION } from '../version.ts';
import { parsePeers, reachableHost } from './addresses.ts';
import { Appends } from './appends.ts';
import { realClock } from './clock.ts';
import { CommitWaiters } from './commit-waiters.ts';
import { type DataDirectory, openDataDirectory } from './data-directory.ts';
import { type ElectionSteps, ReplicationDriver } from './driver/index.ts';
import {
  apiMetrics,
  diskRoomAt,
  kubernetesHooks,
  type ObservedParts,
  observe,
  onConsulCall,
  onRecovered,
  wireMetrics,
} from './instruments.ts';
import { LeaderWait } from './leader-wait.ts';
import { LeadershipHistory } from './leadership-history.ts';
import { type Material, materialOf } from './material.ts';
import { tellMembers } from './member-changes.ts';
import { Operator } from './operator.ts';
import { Printer } from './printer.ts';
import { RecentStats } from './recent-stats.ts';
import { rehearse } from './rehearsal.ts';
import { followRole } from './roles.ts';
import { Service } from './service.ts';
import { shutdown } from './shutdown.ts';
import { handOverDamaged, keepMark, keepRetention } from './upkeep.ts';
import { followReplicas } from './wanted-members.ts';

/** Ends the process at once: going on could lose records, or lie about who this is. */
type Die = (exitCode: number, reason: string) => void;

interface Ground {
  readonly config: LoggerConfig;
  readonly out: PinoLogger;
  readonly die: Die;
  readonly self: { readonly id: string; readonly uid: string; readonly peer: string };
  readonly apiUrl: string;
  readonly opened: DataDirectory;
  readonly metrics: Metrics;
  readonly recent: RecentStats;
  readonly material: Material;
}

/** Starts a logger; resolves when it serves its API. Rejects with ConfigError for a wrong configuration. */
export async function startLogger(environment: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(loggerSettings, environment);
  const problems = limitProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const stdout = pino.destination({ fd: 1, sync: false });
  const out = pino({ level: config.logLevel, base: { id: config.id } }, stdout);
  const die: Die = (exitCode, reason) => {
    out.fatal({ event: 'fatal' }, reason);
    stdout.flushSync();
    process.exit(exitCode);
  };
  const memory = memoryWarning(config, Math.min(process.constrainedMemory() || Infinity, totalmem()));
  if (memory !== null) out.warn(memory);
  await using building = new AsyncDisposableStack();
  building.defer(() => stdout.flushSync());
  const stop = await build(config, out, die, building);
  const built = building.move();
  return {
    async stop(reason) {
      out.info({ event: 'stopping' }, `Stopping: ${reason}`);
      await stop();
      await built.disposeAsync();
    },
  };
}

/** Returns what comes before the parts are taken down: the orderly way out of leadership. */
async function build(
  config: LoggerConfig,
  out: PinoLogger,
  die: Die,
  stack: AsyncDisposableStack,
): Promise<() => Promise<void>> {
  let observed: Omit<ObservedParts, 'nowMs'> | null = null;
  const look = (): Observed => {
    if (!observed) throw new Error('the logger is still starting');
    return observe({ ...observed, nowMs: realClock.now() });
  };
  const metrics = createMetrics({ version: VERSION, node: process.version }, look, () =>
    diskRoomAt(config.dataDir),
  );
  const recent = new RecentStats();
  const kubernetes = createKubernetes(config, kubernetesHooks(metrics, out));
  stack.defer(() => kubernetes.stop());
  // Before anything else: a label outlives the container that set it.
  await kubernetes.label.start();
  kubernetes.replicas.start();
  const material = await materialOf(config, out, metrics, stack);
  const opening = openDataDirectory({
    directory: config.dataDir,
    segmentSizeBytes: segmentSizeOf(config),
    out,
    onSync: (seconds) => {
      metrics.fsyncDuration.observe(seconds);
      recent.synced(seconds);
    },
    onRecovered: onRecovered(metrics),
    onFatal: (error) => die(EXIT_SOFTWARE, `The log cannot go on: ${error.message}`),
  });
  const opened = await asSet('DLOG_DATA_DIR', opening);
  stack.defer(() => opened.log.close());
  const { sizeBytes } = await diskRoomAt(config.dataDir);
  for (const warning of retentionWarnings(config, sizeBytes)) out.warn(warning);
  const ground = groundOf({ config, out, die, opened, metrics, recent, material });
  const election = electionOf(ground);
  stack.defer(() => election.close());
  stack.defer(() => election.catalog.remove());
  const transport = await asSet('DLOG_PEER_PORT or DLOG_BEAT_PORT', transportOf(ground));
  const replicated = driverOf(ground, election, transport, kubernetes);
  stack.defer(() => replicated.stop({ handover: false }));

  const waiters = new CommitWaiters();
  replicated.onCommit((commit) => waiters.advance(commit));
  const appends = new Appends(opened.log, replicated, config, (records, bytes) => {
    metrics.records.inc(records);
    metrics.bytes.inc(bytes);
    recent.stored(bytes);
  });
  if (config.printRecords)
    new Printer({
      log: opened.log,
      replicated,
      out,
      linesPerSecond: config.printRate,
      now: realClock.now,
      after: realClock.after,
      soon: realClock.soon,
      onPrinted: (count) => metrics.printed.inc(count),
    });
  const service = new Service({
    id: config.id,
    cluster: config.cluster,
    version: VERSION,
    log: opened.log,
    replicated,
    appends,
    waiters,
    operator: new Operator(replicated, kubernetes.enabled && config.statefulSet !== ''),
    leaderWait: new LeaderWait(replicated, config.maxPendingRequests),
    recent,
    history: new LeadershipHistory(config.id, opened.log, replicated),
    consul: () => election.reachable(),
    registerReadable: () => election.registerReadable,
    label: () => kubernetes.label.state(),
    damage: () => opened.log.damage,
    onRead: (records) => metrics.recordsRead.inc(records),
  });
  const api = apiOf(ground, service, await accessOf(ground, stack));
  observed = { log: opened.log, replicated, appends, kubernetes, election, api };
  stack.defer(() => api.close(config.shutdownTimeoutMs / 4));
  replicated.onRole(
    followRole({
      api,
      label: kubernetes.label,
      catalog: election.catalog,
      metrics,
      out,
      now: realClock.now,
      after: realClock.after,
    }),
  );
  await asSet('DLOG_API_PORT', api.listen({ host: config.apiHost, port: config.apiPort }));
  rehearse();
  replicated.start();
  keepUp(ground, kubernetes.replicas, replicated, stack);
  out.info(
    {
      event: 'started',
      api: ground.apiUrl,
      peer: ground.self.peer,
      uid: ground.self.uid,
      version: VERSION,
      node: process.version,
    },
    `Started: API at ${ground.apiUrl}, log from ${opened.log.first} to ${opened.log.end}`,
  );
  return () => shutdown({ config, service, replicated, replicas: kubernetes.replicas, out });
}

function groundOf(given: Omit<Ground, 'self' | 'apiUrl'>): Ground {
  const { config, opened, material } = given;
  const scheme = material.apiTls === null ? 'http' : 'https';
  const apiUrl =
    config.apiUrl ?? `${scheme}://${reachableHost(config.apiHost, config.podIp)}:${config.apiPort}`;
  const peer = config.peerAddress ?? `${reachableHost(config.peerHost, config.podIp)}:${config.peerPort}`;
  return { ...given, apiUrl, self: { id: config.id, uid: opened.log.uid, peer } };
}

function electionOf({ config, out, die, self, apiUrl, metrics, material }: Ground): Election {
  return createElection({
    urls: config.consulUrls,
    token: material.consul.token,
    ca: material.consul.ca,
    cluster: config.cluster,
    timeoutMs: config.consulTimeoutMs,
    id: self.id,
    uid: self.uid,
    api: apiUrl,
    sessionTtlMs: config.consulSessionTtlMs,
    log: { warn: (message) => out.warn(message) },
    onCall: onConsulCall(metrics),
    onIdentityTaken: (error) => die(ConfigError.exitCode, error.message),
  });
}

function transportOf({ config, out, self, apiUrl, metrics, material }: Ground): Promise<WireTransport> {
  const { heartbeatMs, suspectMs } = DEFAULT_TIMINGS;
  return createTransport({
    cluster: config.cluster,
    self: { ...self, api: apiUrl },
    listen: { host: config.peerHost, port: config.peerPort, beatPort: config.beatPort },
    heartbeatMs,
    suspectMs,
    tls: material.peerTls,
    log: out,
    metrics: wireMetrics(metrics),
    random: Math.random,
  });
}

function driverOf(
  { config, out, die, self, apiUrl, opened, metrics }: Ground,
  election: Election,
  transport: WireTransport,
  { label }: Kubernetes,
): ReplicationDriver {
  return new ReplicationDriver({
    self,
    api: apiUrl,
    bootstrap: config.peers === '' ? [self] : parsePeers(config.peers),
    log: opened.log,
    state: opened.state,
    register: election.register,
    sessions: election.sessions,
    transport,
    clock: realClock,
    newUuid: randomUUID,
    onReachable: (reachable, cause) => {
      if (reachable) out.info('Consul answers');
      else if (cause instanceof RegisterMalformed)
        out.error({ event: 'register-unreadable' }, unreadableLine(cause));
      else if (cause instanceof ConsulError && cause.failure === 'denied') out.error(deniedLine(cause));
      else out.warn(`Consul does not answer: ${messageOf(cause)}`);
    },
    onElected: tellElected(out),
    onMembers: tellMembers({ label, metrics, out }),
    onNote: (text) => out.info(text),
    onFatal: (cause) => die(EXIT_SOFTWARE, `Replication cannot go on: ${messageOf(cause)}`),
  });
}

const tellElected =
  (out: PinoLogger) =>
  ({ epoch, ...steps }: ElectionSteps): void => {
    const voteMs = Math.round(steps.voteMs);
    const registerMs = Math.round(steps.registerMs);
    const promiseMs = Math.round(steps.promiseMs);
    out.info(
      { event: 'elected', epoch, voteMs, registerMs, promiseMs },
      `Elected in epoch ${epoch}: ${voteMs} ms for the vote, ${registerMs} ms for Consul, ${promiseMs} ms for the promises`,
    );
  };

const unreadableLine = ({ message }: RegisterMalformed): string =>
  `Nobody can be elected: ${message}. docs/how-to/runbooks/register-unreadable.md says what to do`;

const deniedLine = ({ message }: ConsulError): string =>
  `Consul refuses this logger: ${message}. Its ACL token (DLOG_CONSUL_TOKEN_FILE or DLOG_CONSUL_TOKEN) is missing, or lacks the policy of docs/how-to/secure.md`;

/** Null where no directory of tokens is given. */
async function accessOf({ config, out }: Ground, stack: AsyncDisposableStack): Promise<Access | null> {
  const directory = config.apiTokensDir;
  if (directory === '') return null;
  const tokens = await followSetting((last: Tokens | null) => readTokens(directory, last), {
    variable: 'DLOG_API_TOKENS_DIR',
    what: 'API tokens',
    log: out,
  });
  stack.defer(() => tokens.stop());
  return { tokens: () => tokens.current, metricsNeedToken: config.metricsNeedToken };
}

function apiOf(
  { config, out, metrics, recent, material, apiUrl }: Ground,
  service: Service,
  access: Access | null,
): ReturnType<typeof createApi> {
  const { registry } = metrics;
  const counted = apiMetrics(metrics);
  return createApi({
    service,
    access,
    tls: material.apiTls,
    hosts: knownHosts(config.apiHost, apiUrl),
    limits: {
      bodyBytes: config.bodyLimitBytes,
      recordBytes: config.recordLimitBytes,
      bufferedBytes: config.maxPendingBytes,
      readers: config.maxReaders,
    },
    log: out,
    metrics: {
      ...counted,
      onAppend(sample) {
        counted.onAppend(sample);
        if (sample.code === 'ok') recent.appended(sample.seconds);
      },
    },
    metricsText: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    version: VERSION,
  });
}

/** What goes on beside: the log's upkeep, and the number of replicas that people want. */
function keepUp(
  { config, out, opened, recent }: Ground,
  replicas: Parameters<typeof followReplicas>[1],
  replicated: ReplicationDriver,
  stack: AsyncDisposableStack,
): void {
  const ending = new AbortController();
  stack.defer(() => ending.abort());
  recent.keep(() => {
    const { role, commit, members } = replicated;
    return { role: role.kind, epoch: role.epoch, commit, members };
  }, ending.signal);
  followReplicas(config.statefulSet, replicas, replicated, ending.signal);
  keepMark(
    opened.log,
    (error) => out.error(`The recovery mark was not saved: ${messageOf(error)}`),
    ending.signal,
  );
  handOverDamaged(
    opened.log,
    replicated,
    (error) => out.warn(`Leadership stays with a damaged log: ${messageOf(error)}`),
    ending.signal,
  );
  keepRetention(
    { maxBytes: config.retentionBytes, maxAgeMs: config.retentionMs },
    (policy) => replicated.retain(policy),
    (error) => out.error(`Old segments cannot be removed: ${messageOf(error)}`),
    ending.signal,
  );
}
