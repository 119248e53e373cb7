// The OpenAPI document, and the page at /docs that shows it. The document is written by hand, not derived from route schemas:
// requests are judged by code of ours that gives every refusal its own code, which a schema validator cannot.
import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { PATHS } from './paths.ts';
import { SCHEMAS } from './schemas.ts';

export const openApiDocument = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'distributed-logger',
    version,
    description: 'A small replicated log: append to the leader, read from any logger.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  tags: [
    { name: 'log', description: 'Appending and reading' },
    { name: 'cluster', description: 'Who leads, and handing it over' },
    { name: 'platform', description: 'Probes and metrics' },
  ],
  paths: PATHS,
  components: { schemas: SCHEMAS },
});

/** Everything the page loads comes from here; it works without the internet, over plain HTTP too. */
const CONTENT_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

export function docsRoutes(app: FastifyInstance, version: string): void {
  // The plugin's types know OpenAPI 3.0 only; it passes the document on as it is.
  const specification = { document: openApiDocument(version) } as unknown as StaticDocumentSpec;
  app.register(swagger, { mode: 'static', specification });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'distributed-logger: the HTTP API' },
    staticCSP: CONTENT_POLICY,
    uiConfig: { docExpansion: 'list', deepLinking: false },
  });
}
