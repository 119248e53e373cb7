// ConsulClient over the npm package `consul`: which call of the package serves which need, and what its answers must
// look like. An answer of another shape (a proxy's page, a truncated body) is a failure of that server.

import type {
  CallOptions,
  CallReport,
  CatalogNode,
  ConsulClient,
  KvPair,
  ServiceEntry,
  SessionSpec,
  TxnOperation,
  TxnOutcome,
} from './client.ts';

import { parseDurationMs } from './duration.ts';
import { type ConsulAccess, ConsulEndpoint, type Reply, refusedBody, statusOf } from './endpoint.ts';
import { ConsulError } from './errors.ts';
import { ServerRotation } from './rotation.ts';

export interface ConsulClientOptions extends ConsulAccess {
  /** Base URLs of servers or agents, at least one. */
  readonly urls: readonly string[];
  readonly onCall?: ((report: CallReport) => void) | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

export function createConsulClient({ urls, token, ca, onCall }: ConsulClientOptions): ConsulClient {
  const servers = urls.map((url) => new ConsulEndpoint(url, { token, ca }));
  const rotation = new ServerRotation(servers, onCall ?? (() => {}));
  const ask = async <T>(options: CallOptions, attempt: (server: ConsulEndpoint) => Promise<T>): Promise<T> =>
    (await rotation.run(options, attempt)).value;

  return {
    key: (name, options) => ask(options, (server) => readKey(server, name, options)),
    transact: async (operations, options) => {
      const { value, doubt } = await rotation.run(options, (server) => transact(server, operations, options));
      return value.kind === 'committed' ? value : { ...value, doubt };
    },
    createSession: (spec, options) => ask(options, (server) => createSession(server, spec, options)),
    renewSession: (id, options) => ask(options, (server) => renewSession(server, id, options)),
    destroySession: async (id, options) => {
      await ask(options, (server) =>
        server.call(options, (consul, common) => consul.session.destroy({ id, ...common })),
      );
    },
    node: (name, options) => ask(options, (server) => readNode(server, name, options)),
    get reachability() {
      return rotation.reachability;
    },
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

async function readKey(
  server: ConsulEndpoint,
  name: string,
  options: Parameters<ConsulClient['key']>[1],
): Promise<{ pair: KvPair | null; index: number }> {
  const { wait } = options;
  const blocking = wait ? { index: wait.index, wait: `${wait.ms}ms` } : {};
  const query = { key: name, consistent: true, ...blocking };
  const { status, body, index } = await server.call(options, (consul, common) =>
    consul.kv.get({ ...query, ...common }),
  );
  if (!isIndex(index)) throw malformed(server, 'the index');
  // The package leaves the body out for a missing key, but also for a body that is no list.
  if (status === 404) return { pair: null, index };
  if (!isFields(body) || body.Key !== name || !isIndex(body.ModifyIndex)) throw malformed(server, 'the key');
  // An empty value comes as null.
  const value = typeof body.Value === 'string' ? body.Value : '';
  const session = typeof body.Session === 'string' && body.Session !== '' ? body.Session : null;
  return { pair: { value, modifyIndex: body.ModifyIndex, session }, index };
}

async function transact(
  server: ConsulEndpoint,
  operations: readonly TxnOperation[],
  options: CallOptions,
): Promise<TxnOutcome> {
  let reply: Reply;
  try {
    reply = await server.call(options, (consul, common) =>
      (consul as Transactions).transaction.create(operations, common),
    );
  } catch (error) {
    if (statusOf(error) === 409) return rolledBack(server, refusedBody(error));
    throw error;
  }
  if (!isFields(reply.body) || !Array.isArray(reply.body.Results))
    throw malformed(server, 'the transaction', true);
  const last = Object.values(reply.body.Results.at(-1) ?? {})[0];
  const modifyIndex = isFields(last) && isIndex(last.ModifyIndex) ? last.ModifyIndex : 0;
  return { kind: 'committed', modifyIndex };
}

/** The package sends operations on as they are, though its types describe them in other words. */
interface Transactions {
  readonly transaction: { create(operations: readonly unknown[], options: object): Promise<unknown> };
}

function rolledBack(server: ConsulEndpoint, body: unknown): TxnOutcome {
  if (!isFields(body) || !Array.isArray(body.Errors))
    throw malformed(server, 'the refusal of the transaction', true);
  const errors = body.Errors.filter(isFields).map(({ OpIndex, What }) => ({
    operation: Number(OpIndex),
    what: String(What),
  }));
  return { kind: 'rolled-back', errors, doubt: null };
}

async function createSession(
  server: ConsulEndpoint,
  spec: SessionSpec,
  options: CallOptions,
): Promise<string> {
  const { body } = await server.call(options, (consul, common) =>
    consul.session.create({
      node: spec.node,
      name: spec.name,
      ttl: `${spec.ttlMs}ms`,
      behavior: 'release',
      // As text: the package drops the number 0, and Consul would then hold the lock back for 15 s.
      lockdelay: '0s',
      // An empty list takes away the node's own health check as well, which an absent one would mean.
      checks: [],
      ...common,
    }),
  );
  if (!isFields(body) || typeof body.ID !== 'string' || body.ID === '')
    throw malformed(server, 'the session', true);
  return body.ID;
}

async function renewSession(
  server: ConsulEndpoint,
  id: string,
  options: CallOptions,
): Promise<{ ttlMs: number } | null> {
  try {
    const { body } = await server.call(options, (consul, common) => consul.session.renew({ id, ...common }));
    const session: unknown = Array.isArray(body) ? body[0] : undefined;
    const ttlMs = isFields(session) && typeof session.TTL === 'string' ? parseDurationMs(session.TTL) : null;
    if (ttlMs === null) throw malformed(server, 'the renewed session', true);
    return { ttlMs };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

async function readNode(
  server: ConsulEndpoint,
  name: string,
  options: CallOptions,
): Promise<CatalogNode | null> {
  const query = { node: name, consistent: true };
  const { body } = await server.call(options, (consul, common) =>
    consul.catalog.node.services({ ...query, ...common }),
  );
  if (body === null || body === undefined) return null;
  const node = isFields(body) ? body.Node : undefined;
  if (!isFields(body) || !isFields(node) || !isIndex(node.ModifyIndex))
    throw malformed(server, 'the catalog node');
  return {
    address: String(node.Address),
    meta: (node.Meta ?? {}) as Record<string, string>,
    modifyIndex: node.ModifyIndex,
    services: Object.values(body.Services ?? {}) as ServiceEntry[],
  };
}

const malformed = (server: ConsulEndpoint, what: string, maybeDone = false): ConsulError =>
  new ConsulError('malformed', `${server.url}: ${what} in the answer is not what Consul answers`, {
    maybeDone,
  });

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
