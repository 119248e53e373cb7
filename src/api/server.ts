// The HTTP API of a logger, put together, opened and closed. Everything it needs of the logger is the LoggerService; everything
// it refuses is a problem document.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { LoggerError } from '../errors.ts';
import { type Access, guard } from './access.ts';
import { createApp } from './app.ts';
import { appendRoute } from './append.ts';
import { openStreams } from './append-streams.ts';
import { type ApiLimits, BOUNDS, type Bounds } from './bounds.ts';
import { ByteBudget, Readers } from './budget.ts';
import { Connections } from './connections.ts';
import type { ApiContext, ApiMetrics } from './context.ts';
import { Listeners } from './listeners.ts';
import { LiveChunks } from './live-chunks.ts';
import { memberRoutes } from './members.ts';
import { offsetsRoute } from './offsets.ts';
import { docsRoutes } from './openapi/index.ts';
import { pageRoutes } from './page.ts';
import { probeRoutes } from './probes.ts';
import { readRoute } from './read.ts';
import type { KnownHosts } from './request-head.ts';
import { statusRoutes } from './status.ts';
import type { ServerTls } from './tls.ts';
import type { LoggerService } from './types.ts';

export interface ApiOptions {
  readonly service: LoggerService;
  readonly limits: ApiLimits;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  readonly metricsText: () => Promise<{ contentType: string; body: string }>;
  readonly version: string;
  /** Null: whoever reaches the API may call everything. */
  readonly access?: Access | null;
  /** Null: HTTP in the clear. Asked for each connection, so that certificates can be renewed. */
  readonly tls?: ServerTls | null;
  /** Names in `Host` that are taken; left out, any is. */
  readonly hosts?: KnownHosts;
  /** Tests narrow these; programs do not. */
  readonly bounds?: Partial<Bounds>;
}

export interface Api {
  /** Resolves when connections are taken. Port 0 takes a free one. */
  listen(address: { host: string; port: number }): Promise<void>;
  /** Base URL on this machine, once it listens. */
  readonly url: string;
  /** Open connections. */
  readonly connections: number;
  /**
   * For a leader that steps down: idle connections are closed at once, the others after the answers under way, which say
   * `Connection: close`. New connections are taken as before; event streams go on, since any logger serves them.
   */
  closeConnections(): void;
  /**
   * Takes no more connections, ends event streams and long-polls, refuses new requests with `shutting-down` and lets the
   * rest finish; what has not by `deadlineMs` is cut off. Resolves when every connection is closed. May be called again.
   */
  close(deadlineMs: number): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const context = contextOf(options);
  const { connections, liveReaders } = context;
  const app = createApp(context, options.metrics, options.tls ?? null);
  const listeners = new Listeners(app, context.bounds.tcpKeepAliveMs);
  let closed: Promise<void> | null = null;
  let isClosing = false;
  const refusal = () => (isClosing ? new LoggerError('shutting-down') : undefined);
  app.addHook('onRequest', (_request, _reply, done) => done(refusal()));
  if (options.access) guard(app, options.access);
  routes(app, context);
  openStreams(app.server, context, { metrics: options.metrics, access: options.access ?? null, refusal });

  const close = async (deadlineMs: number): Promise<void> => {
    isClosing = true;
    liveReaders.stop();
    connections.close();
    const timer = setTimeout(() => connections.destroyAll(), deadlineMs);
    await Promise.all([listeners.close(), app.close()]);
    clearTimeout(timer);
  };
  return {
    async listen({ host, port }) {
      await listeners.listen({ host, port, backlog: context.bounds.backlog });
    },
    get url() {
      return urlOf(app.server, options.tls ? 'https' : 'http');
    },
    get connections() {
      return connections.count;
    },
    closeConnections: () => connections.closeIdle(),
    close: (deadlineMs) => {
      closed ??= close(deadlineMs);
      return closed;
    },
  };
}

function contextOf(options: ApiOptions): ApiContext {
  const { service, limits, log, version, metricsText, metrics } = options;
  const bounds = { ...BOUNDS, ...options.bounds };
  return {
    service,
    limits,
    bounds,
    log,
    version,
    hosts: options.hosts ?? null,
    metricsText,
    budget: new ByteBudget(limits.bufferedBytes),
    liveChunks: new LiveChunks(service, {
      maxRecords: bounds.maxReadRecords,
      maxBytes: bounds.liveChunkBytes,
    }),
    liveReaders: new Readers(limits.readers, 'live readers', (count) => metrics.onReaders(count)),
    plainReads: new Readers(bounds.maxReads, 'reads'),
    connections: new Connections({
      drainTimeoutMs: bounds.drainTimeoutMs,
      checkMs: bounds.timeoutCheckMs,
      maxConnections: bounds.maxConnections,
      maxConnectionsPerAddress: bounds.maxConnectionsPerAddress,
      spareConnections: bounds.spareConnections,
      onSlowReader: () => metrics.onSlowReader(),
    }),
  };
}

function routes(app: FastifyInstance, context: ApiContext): void {
  appendRoute(app, context);
  readRoute(app, context);
  offsetsRoute(app, context);
  statusRoutes(app, context);
  memberRoutes(app, context);
  probeRoutes(app, context);
  docsRoutes(app, context.version);
  pageRoutes(app);
}

/** Under an address that stands for all, the loopback one. */
function urlOf(server: Server, scheme: string): string {
  const address = server.address() as AddressInfo | null;
  if (address === null) throw new Error('the API does not listen');
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[address.address];
  return `${scheme}://${host ?? (address.family === 'IPv6' ? `[${address.address}]` : address.address)}:${address.port}`;
}
