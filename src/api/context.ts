// What the routes share, and what each request leaves behind for the metrics.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ErrorCode } from '../errors.ts';
import type { ApiLimits, Bounds } from './bounds.ts';
import type { ByteBudget, Readers } from './budget.ts';
import type { Connections } from './connections.ts';
import type { LiveChunks } from './live-chunks.ts';
import type { KnownHosts } from './request-head.ts';
import type { LoggerService } from './types.ts';

/** How an append ended: `left` when the client was gone before it had an answer. */
export type AppendCode = 'ok' | 'redirected' | 'left' | ErrorCode;

/** Called for every request; must not throw. */
export interface ApiMetrics {
  /** `route` is a route's pattern or `none`, `method` one that HTTP defines or `other`; status 0: the client left first. */
  onRequest(sample: { route: string; method: string; status: number; seconds: number }): void;
  /** Every POST /api/v1/log and every batch of an append stream, refused ones included; `records` and `bytes` are 0 where the body was not read. */
  onAppend(sample: { code: AppendCode; seconds: number; records: number; bytes: number }): void;
  /** A connection that was closed because its TLS handshake failed or was not done in time. */
  onTlsFailure(): void;
  /** A connection that was closed because its client took nothing of its answer, or too little. */
  onSlowReader(): void;
  /** Live readers at present. */
  onReaders(count: number): void;
}

export interface ApiContext {
  readonly service: LoggerService;
  readonly limits: ApiLimits;
  readonly bounds: Bounds;
  readonly log: Logger;
  readonly version: string;
  readonly metricsText: () => Promise<{ contentType: string; body: string }>;
  readonly budget: ByteBudget;
  readonly liveChunks: LiveChunks;
  /** Event streams and long-polls. */
  readonly liveReaders: Readers;
  /** Plain reads in progress. */
  readonly plainReads: Readers;
  readonly connections: Connections;
  readonly hosts: KnownHosts;
}

interface Sample {
  code: AppendCode;
  records: number;
  bytes: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    sample: Sample;
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
export const LOG_ROUTE = '/api/v1/log';

/** Counts a request when its response is closed, however it went. */
export function countWhenClosed(request: FastifyRequest, reply: FastifyReply, metrics: ApiMetrics): void {
  const startedMs = performance.now();
  request.sample = { code: 'left', records: 0, bytes: 0 };
  const route = request.routeOptions.url ?? 'none';
  const method = METHODS.has(request.method) ? request.method : 'other';
  const response = reply.raw;
  response.once('close', () => {
    const seconds = (performance.now() - startedMs) / 1000;
    metrics.onRequest({ route, method, status: response.headersSent ? response.statusCode : 0, seconds });
    if (method === 'POST' && route === LOG_ROUTE) metrics.onAppend({ ...request.sample, seconds });
  });
}
