// Who may call what, where tokens are asked for: one table of calls and roles. It is judged before anything else about a
// request but its path, by any logger alike, so that a stranger does not even learn who leads.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { LoggerError } from '../errors.ts';
import type { Role, Tokens } from '../security/index.ts';

/** Calls below /api/ and the role that each needs. */
export const NEEDED_ROLES: Readonly<Record<string, Role>> = {
  'POST /api/v1/log': 'produce',
  'GET /api/v1/log/stream': 'produce',
  'GET /api/v1/log': 'read',
  'GET /api/v1/offsets': 'read',
  'GET /api/v1/status': 'read',
  'GET /api/v1/stats': 'read',
  'GET /api/v1/history': 'read',
  'GET /api/v1/producers/:id': 'read',
  'GET /api/v1/members': 'read',
  'POST /api/v1/leader/transfer': 'operate',
  'PUT /api/v1/members': 'operate',
  'POST /api/v1/register/rebuild': 'operate',
};

/** A token that may operate may also read the status, which shows the result. */
const OPERATORS_MAY: readonly string[] = ['GET /api/v1/status', 'GET /api/v1/members'];

export interface Access {
  /** Asked for each request, since tokens are rotated while the logger runs. */
  readonly tokens: () => Tokens;
  /** /metrics needs the role `read` too; the probes never do. */
  readonly metricsNeedToken: boolean;
}

const REALM = 'Bearer realm="distributed-logger"';
const CREDENTIALS = /^bearer +([^ ]+) *$/i;

/** Adds the check to every route that is added after it. */
export function guard(app: FastifyInstance, access: Access): void {
  app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat())
      if (url.startsWith('/api/') && roleFor(one, url, access) === null)
        throw new Error(`${one} ${url} has no role in the table of src/api/access.ts`);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    const role = roleFor(request.method, request.routeOptions.url ?? '', access);
    const call = callOf(request.method, request.routeOptions.url ?? '');
    const alternative = OPERATORS_MAY.includes(call) ? 'operate' : undefined;
    done(role === null ? undefined : refusalFor(role, request.headers, access.tokens(), alternative));
  });
}

function roleFor(method: string, url: string, { metricsNeedToken }: Access): Role | null {
  if (url === '/metrics') return metricsNeedToken ? 'read' : null;
  return NEEDED_ROLES[callOf(method, url)] ?? null;
}

const callOf = (method: string, url: string): string => `${method === 'HEAD' ? 'GET' : method} ${url}`;

/** Why credentials do not allow what the role, or its alternative, is needed for; undefined where they do. */
export function refusalFor(
  role: Role,
  { authorization }: IncomingHttpHeaders,
  tokens: Tokens,
  alternative: Role = role,
): LoggerError | undefined {
  if (authorization === undefined)
    return new LoggerError('unauthorized', `this call needs a token with the role ${role}`, {
      extra: { wwwAuthenticate: REALM },
    });
  const token = CREDENTIALS.exec(authorization)?.[1];
  const roles = token === undefined ? null : tokens.rolesOf(token);
  if (roles === null)
    return new LoggerError('unauthorized', 'the credentials are no token that is valid here', {
      extra: { wwwAuthenticate: `${REALM}, error="invalid_token"` },
    });
  if (!roles.has(role) && !roles.has(alternative))
    return new LoggerError('forbidden', `this call needs the role ${role}, which the token does not have`, {
      extra: { wwwAuthenticate: `${REALM}, error="insufficient_scope", scope="${role}"` },
    });
  return undefined;
}
