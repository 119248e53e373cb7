// Who listens where, and with which settings each process starts.

import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePorts, host, urlHost } from './consul-ports.ts';
import type { StackFlags } from './flags.ts';

/** Distances from the base port. With the base port as it is, Consul has its usual 8500. */
const PRODUCER_PORT = 100;
const CONSUL_PORT = 419;
const PEER_PORTS = 1_000;
const STOP_MS = 5_000;

export interface LoggerPlace {
  readonly id: string;
  readonly apiPort: number;
  readonly peerPort: number;
}

export interface Layout {
  readonly loggers: readonly LoggerPlace[];
  readonly producerPort: number;
  /** Null: Consul takes a free one. */
  readonly consulPort: number | null;
}

export async function layoutOf({ nodes, basePort }: StackFlags): Promise<Layout> {
  const ids = Array.from({ length: nodes }, (_, at) => `logger-${at}`);
  if (basePort === 0) {
    const [producerPort = 0, ...free] = await freePorts(1 + nodes * 2);
    const loggers = ids.map((id, at) => ({ id, apiPort: free[at] ?? 0, peerPort: free[nodes + at] ?? 0 }));
    return { loggers, producerPort, consulPort: null };
  }
  return {
    loggers: ids.map((id, at) => ({ id, apiPort: basePort + at, peerPort: basePort + PEER_PORTS + at })),
    producerPort: basePort + PRODUCER_PORT,
    consulPort: basePort + CONSUL_PORT,
  };
}

/** The ports of a layout that another process has, each with what it is for. */
export async function busyPorts(layout: Layout, { rate, consul }: StackFlags): Promise<string[]> {
  const wanted: [number, string][] = layout.loggers.flatMap(({ id, apiPort, peerPort }) => [
    [apiPort, `API of ${id}`] as [number, string],
    [peerPort, `replication of ${id}`] as [number, string],
  ]);
  if (rate > 0) wanted.push([layout.producerPort, 'probes of the producer']);
  if (consul === null && layout.consulPort !== null) wanted.push([layout.consulPort, 'Consul']);
  const free = await Promise.all(wanted.map(([port]) => isFree(port)));
  return wanted.filter((_, at) => !free[at]).map(([port, use]) => `${port} (${use})`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

export const apiOf = ({ apiPort }: LoggerPlace): string => `http://${urlHost}:${apiPort}`;

export interface Surroundings {
  readonly layout: Layout;
  readonly directory: string;
  readonly cluster: string;
  readonly consulUrls: readonly string[];
}

type Environment = Record<string, string>;

export function loggerEnvironment(place: LoggerPlace, around: Surroundings): Environment {
  const peers = around.layout.loggers.map(({ id, peerPort }) => `${id}=${urlHost}:${peerPort}`);
  return {
    DLOG_ID: place.id,
    DLOG_CLUSTER: around.cluster,
    DLOG_DATA_DIR: join(around.directory, place.id),
    DLOG_API_HOST: host,
    DLOG_API_PORT: String(place.apiPort),
    DLOG_API_URL: apiOf(place),
    DLOG_PEER_HOST: host,
    DLOG_PEER_PORT: String(place.peerPort),
    DLOG_PEER_ADDRESS: `${urlHost}:${place.peerPort}`,
    DLOG_PEERS: peers.join(','),
    DLOG_CONSUL_URLS: around.consulUrls.join(','),
    DLOG_KUBERNETES: 'off',
    DLOG_SHUTDOWN_TIMEOUT_MS: String(STOP_MS),
  };
}

/** The producer looks its leader up in Consul, as one outside Kubernetes does. */
export function producerEnvironment(around: Surroundings, rate: number, producerId: string): Environment {
  return {
    DLOG_PRODUCER_NAME: 'producer',
    DLOG_PRODUCER_ID: producerId,
    DLOG_PRODUCER_HOST: host,
    DLOG_PRODUCER_PORT: String(around.layout.producerPort),
    DLOG_TARGET: '',
    DLOG_CLUSTER: around.cluster,
    DLOG_CONSUL_URLS: around.consulUrls.join(','),
    DLOG_RATE: String(rate),
    DLOG_SHUTDOWN_TIMEOUT_MS: String(STOP_MS),
  };
}
