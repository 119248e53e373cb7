// One or three Consul servers on this machine, shared by the local stack and the tests. Ports are free ones unless given;
// as another process may take a port between the look and the start, a start that lost its port is tried with new ones.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulBinary } from './consul-binary.ts';
import type { ServerPorts } from './consul-config.ts';
import { freePorts } from './consul-ports.ts';
import { ConsulServer, ConsulStartError } from './consul-server.ts';

const leaderTimeoutMs = 40_000;
const probeEveryMs = 50;
const maxStarts = 5;

export interface StartOptions {
  readonly binary: ConsulBinary;
  /** Holds data, configuration and log of each server; a later start finds the data again. */
  readonly dir: string;
  readonly servers?: 1 | 3;
  /** Port of the first server's HTTP API, the others count on from it; free ones when left out. */
  readonly httpPort?: number;
  /** More top-level settings of the servers' configuration. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export class ConsulCluster {
  readonly servers: readonly ConsulServer[];

  constructor(servers: readonly ConsulServer[]) {
    this.servers = servers;
  }

  get urls(): string[] {
    return this.servers.map((server) => server.url);
  }

  /** Resolves with the leader once `leader` finds one; rejects at the deadline. */
  async waitForLeader(timeoutMs = leaderTimeoutMs): Promise<ConsulServer> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      const leader = await this.leader();
      if (leader) return leader;
      await sleep(probeEveryMs);
    }
    throw new Error(`no Consul leader after ${timeoutMs} ms`);
  }

  /** The leading server, when all servers that run name the same one and answer consistent reads; else null. */
  async leader(): Promise<ConsulServer | null> {
    const running = this.servers.filter((server) => server.running);
    const named = new Set(await Promise.all(running.map((server) => server.leaderAddress())));
    const leader = running.find((server) => named.has(server.rpcAddress));
    return leader && named.size === 1 ? leader : null;
  }

  /** Ends every server; their data stays. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

export async function startConsul(options: StartOptions): Promise<ConsulCluster> {
  for (let attempt = 1; ; attempt++) {
    const cluster = new ConsulCluster(await makeServers(options));
    try {
      await Promise.all(cluster.servers.map((server) => server.start()));
      await cluster.waitForLeader();
      return cluster;
    } catch (error) {
      await cluster.stop();
      const retry = error instanceof ConsulStartError && error.portTaken && options.httpPort === undefined;
      if (!retry || attempt === maxStarts) throw error;
    }
  }
}

async function makeServers(options: StartOptions): Promise<ConsulServer[]> {
  const { binary, dir, servers = 1, httpPort, extra = {} } = options;
  const free = await freePorts(servers * 3);
  const ports = Array.from({ length: servers }, (_, at): ServerPorts => {
    const [http = 0, rpc = 0, serf = 0] = free.slice(at * 3, at * 3 + 3);
    return { http: httpPort === undefined ? http : httpPort + at, rpc, serf };
  });
  const serfPorts = ports.map(({ serf }) => serf);
  return ports.map((own, at) => {
    const name = `consul-${at}`;
    const directory = join(dir, name);
    return new ConsulServer(binary, {
      name,
      directory,
      ports: own,
      serfPorts,
      version: binary.version,
      extra,
    });
  });
}
