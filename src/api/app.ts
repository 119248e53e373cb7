// The Fastify instance: Node's server with its limits, and what happens to every request before and after its route. Fastify
// routes and runs hooks; bodies, validation and errors are ours.
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import type { LoggerError } from '../errors.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { wantsStream } from './append-streams.ts';
import { answerClientError } from './client-errors.ts';
import { type Connections, tooManyConnections } from './connections.ts';
import { type ApiContext, type ApiMetrics, countWhenClosed } from './context.ts';
import { refuseEarly } from './early-refusal.ts';
import { PROBE_ROUTES } from './probes.ts';
import { answerError, type ProblemParts } from './problems.ts';
import { oddityOf } from './request-head.ts';
import { renewCertificate, type ServerTls, serverOptions } from './tls.ts';

/** Bodies, validation and answers are ours: with Fastify's own compilers ajv would lie in memory for nothing. */
const noSchemas = () => () => {
  throw new Error('a route has a schema, which nothing compiles here');
};

/** An instance without routes; in the clear where `tls` is null. */
export function createApp(context: ApiContext, metrics: ApiMetrics, tls: ServerTls | null): FastifyInstance {
  const { bounds, connections, limits } = context;
  const parts = { ...context, lingerMs: bounds.lingerMs, lingerBytes: limits.bodyBytes };
  const app = fastify({
    ...serverOptions(tls, bounds, {
      maxHeaderSize: bounds.maxHeaderBytes,
      headersTimeout: bounds.headersTimeoutMs,
      connectionsCheckingInterval: bounds.timeoutCheckMs,
      // Checked by `oddityOf`, since Node's own answer is not a problem document.
      requireHostHeader: false,
      shouldUpgradeCallback: wantsStream,
      keepAlive: true,
      keepAliveInitialDelay: bounds.tcpKeepAliveMs,
    }),
    requestTimeout: bounds.requestTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    connectionTimeout: bounds.stallTimeoutMs,
    return503OnClosing: false,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    routerOptions: { maxParamLength: bounds.maxHeaderBytes },
    // No hook runs for these.
    frameworkErrors: (error, request, reply) => {
      countWhenClosed(request, reply, metrics);
      answerError(error, request, reply, parts);
    },
    clientErrorHandler: (error, socket: Socket) => {
      // Node reports a failed TLS handshake here too, and there is nobody to answer.
      if (!connections.speaksHttp(socket)) {
        socket.destroy();
        if (tls !== null) metrics.onTlsFailure();
        return;
      }
      const startedMs = performance.now();
      const status = answerClientError(error, socket, connections, bounds.lingerMs);
      if (status === null) return;
      const seconds = (performance.now() - startedMs) / 1000;
      metrics.onRequest({ route: 'none', method: 'other', status, seconds });
    },
  });
  const { server } = app;
  if (tls !== null) renewCertificate(server, tls);
  // Node drops header fields beyond a count silently, Producer-Seq perhaps among them; their size is bounded instead.
  server.maxHeadersCount = 0;
  // Listened to so that Node neither sends 100 before the header fields are judged nor answers 417 by itself.
  for (const event of ['checkContinue', 'checkExpectation'])
    server.on(event, (request, response) => server.emit('request', request, response));
  // A client that ends its side of the connection behind its request, as `nc -N` does, still waits for the answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  refuseEarly(server, context, metrics);
  connections.watch(server);
  // Bodies are received by `receiveBody`, once the header fields have been judged.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  hooks(app, context, metrics, parts);
  return app;
}

function hooks(
  app: FastifyInstance,
  { connections, hosts }: ApiContext,
  metrics: ApiMetrics,
  parts: ProblemParts,
): void {
  const allowed = new AllowedMethods();
  allowed.watch(app);
  app.decorateRequest('sample');
  // By callback: a promise in each hook is a tenth of what an append costs.
  app.addHook('onRequest', (request, reply, done) => {
    countWhenClosed(request, reply, metrics);
    const odd = spareRefusal(request, connections) ?? oddityOf(request.raw, hosts);
    done(odd ?? (request.is404 ? allowed.refusal(request.method, request.url) : undefined));
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (connections.isLast({ request: request.raw, response: reply.raw }))
      reply.header('connection', 'close');
    done();
  });
  // A plugin's route may still find nothing: the files of /docs.
  app.setNotFoundHandler(async (request) => {
    throw allowed.refusal(request.method, request.url);
  });
  app.setErrorHandler((error, request, reply) => {
    const code = answerError(error, request, reply, parts);
    request.sample.code = code;
  });
}

/** On a connection beyond those that may be open, for whatever is no probe. */
function spareRefusal({ raw, routeOptions }: FastifyRequest, connections: Connections): LoggerError | null {
  if (!connections.isSpare(raw.socket) || PROBE_ROUTES.includes(routeOptions.url ?? '')) return null;
  return tooManyConnections();
}
