// The configuration file of one local Consul server. Everything that the stack does not use is off; raft_multiplier 1 is
// what Consul's documentation asks of production servers, and makes elections quick.

import type { ConsulVersion } from './consul-binary.ts';
import { host, urlHost } from './consul-ports.ts';

export interface ServerPorts {
  readonly http: number;
  readonly rpc: number;
  readonly serf: number;
}

export interface ServerShape {
  readonly name: string;
  readonly directory: string;
  readonly ports: ServerPorts;
  /** Gossip ports of all servers, this one's included. */
  readonly serfPorts: readonly number[];
  readonly version: ConsulVersion;
  /** More top-level settings, for tests of one feature. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export function serverConfig({ name, directory, ports, serfPorts, version, extra }: ServerShape): string {
  const { ports: morePorts = {}, ...more } = extra;
  const separateTlsPort = version.major > 1 || version.minor >= 14; // older versions refuse the unknown name
  const config = {
    server: true,
    node_name: name,
    data_dir: directory,
    bootstrap_expect: serfPorts.length,
    bind_addr: host,
    client_addr: host,
    retry_join: serfPorts.filter((port) => port !== ports.serf).map((port) => `${urlHost}:${port}`),
    retry_interval: '500ms',
    ports: {
      http: ports.http,
      server: ports.rpc,
      serf_lan: ports.serf,
      serf_wan: -1,
      https: -1,
      dns: -1,
      grpc: -1,
      ...(separateTlsPort ? { grpc_tls: -1 } : {}),
      ...(morePorts as object),
    },
    performance: { raft_multiplier: 1 },
    // A server that a test killed is started again: it must still be one of the voters.
    autopilot: { cleanup_dead_servers: false },
    connect: { enabled: false },
    disable_update_check: true,
    ...more,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
