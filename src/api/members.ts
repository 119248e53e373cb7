// Who the members are and shall be, and the operator's word about a lost register. Members are wanted of the leader and changed
// by it one at a time; what counts is the register, so the answer says what is wanted, not that it is done.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LoggerError } from '../errors.ts';
import { type BodyLimit, receiveBody, refuseDeclaredSize } from './body.ts';
import type { ApiContext } from './context.ts';
import { fieldOf } from './json.ts';
import { refuseUnlessLeading } from './leader.ts';
import { contentType, JSON_TYPE } from './media.ts';
import { readQuery } from './query.ts';

const LOGGER_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function memberRoutes(app: FastifyInstance, context: ApiContext): void {
  const { service, budget } = context;
  const limit: BodyLimit = { bytes: context.bounds.membersBodyBytes, code: 'body-too-large' };
  app.get('/api/v1/members', async (request, reply) => {
    refuseUnlessLeading(service);
    readQuery(request.query, []);
    reply.header('cache-control', 'no-store');
    return service.membership();
  });
  app.route({
    method: 'PUT',
    url: '/api/v1/members',
    onRequest: async (request) => {
      refuseUnlessLeading(service);
      readQuery(request.query, []);
      contentType(request.headers, [JSON_TYPE], JSON_TYPE);
      refuseDeclaredSize(request.raw, limit);
    },
    handler: async (request, reply) => {
      const ids = idsOf(await receiveBody(request.raw, reply.raw, limit, budget));
      // Leadership may have ended while the body came.
      refuseUnlessLeading(service);
      service.setWantedMembers(ids);
      reply.code(202);
      return service.membership();
    },
  });
  app.post('/api/v1/register/rebuild', async (request, reply) => {
    readQuery(request.query, []);
    refuseBody(request, limit);
    service.rebuildRegister();
    reply.code(202);
    return { id: service.status().id };
  });
}

/** `{"ids": ["logger-0", …]}`, or `{"ids": null}` for whoever is a member or configured as one. */
function idsOf(body: Buffer): readonly string[] | null {
  const ids = fieldOf(body, 'ids');
  if (ids === undefined) throw new LoggerError('invalid-request', 'the body is not an object with ids');
  if (ids === null) return null;
  if (!Array.isArray(ids) || ids.length === 0)
    throw new LoggerError('invalid-request', 'ids is not a list with the id of a logger, nor null');
  for (const id of ids)
    if (typeof id !== 'string' || !LOGGER_ID.test(id))
      throw new LoggerError('invalid-request', `${JSON.stringify(id)} is not the id of a logger`);
  if (new Set(ids).size !== ids.length) throw new LoggerError('invalid-request', 'an id stands twice in ids');
  return ids;
}

/** A command without arguments: whoever sends some expects more of it than it does. */
function refuseBody({ raw }: FastifyRequest, limit: BodyLimit): void {
  refuseDeclaredSize(raw, limit);
  if (Number(raw.headers['content-length'] ?? 0) > 0 || raw.headers['transfer-encoding'] !== undefined)
    throw new LoggerError('invalid-request', 'it takes no body');
}
