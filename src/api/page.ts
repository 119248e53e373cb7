// The status page: `/` and the files under /page/. They hold nothing of this logger, the API tells all that is shown, so they
// need no token. Names carry no hash: browsers keep the files and ask each time whether they changed.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const PAGE = fileURLToPath(new URL('../page/', import.meta.url));
/** The chart library, from its package. */
const CHARTS = dirname(fileURLToPath(import.meta.resolve('uplot/dist/uPlot.esm.js')));

/** All of it comes from this logger: no inline script or style, no other origin, no frame around it. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = /^\/(?:[a-z-]+\.(?:css|js|svg)|uPlot\.(?:esm\.js|min\.css))$/;

const HEADERS = {
  'content-security-policy': CONTENT_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

export function pageRoutes(app: FastifyInstance): void {
  // In a context of its own: the page at /docs has its files served by the same plugin.
  app.register(async (page) => {
    page.addHook('onRequest', async (_request, reply) => {
      reply.headers(HEADERS);
    });
    await page.register(files, {
      root: [PAGE, CHARTS],
      prefix: '/page/',
      // The page itself has one address.
      allowedPath: (path, _root, { routeOptions }) => FILES.test(path) || routeOptions.url === '/',
      dotfiles: 'ignore',
      index: false,
      cacheControl: false,
      setHeaders: (reply) => void reply.header('cache-control', 'no-cache'),
    });
    page.get('/', async (_request, reply) => {
      await reply.sendFile('index.html', PAGE);
      return reply;
    });
  });
}
