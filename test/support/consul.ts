// A real Consul for integration tests: started on free ports in a temporary directory, ended and deleted after the test.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findConsul } from '../../src/stack/consul-binary.ts';
import { type ConsulCluster, startConsul } from '../../src/stack/consul-cluster.ts';

export type { ConsulCluster } from '../../src/stack/consul-cluster.ts';
export type { ConsulServer } from '../../src/stack/consul-server.ts';

export interface TestConsulOptions {
  readonly servers?: 1 | 3;
  /** More top-level settings of the servers' configuration. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A test's context, or `{ after }` of node:test for a Consul that a whole file or suite shares. */
export interface Owner {
  after(end: () => Promise<void>): void;
  diagnostic?(message: string): void;
}

/** Starts Consul and resolves when it has a leader; it ends with its owner. */
export async function testConsul(owner: Owner, options: TestConsulOptions = {}): Promise<ConsulCluster> {
  const binary = await findConsul({ note: (line) => owner.diagnostic?.(line) });
  const dir = await mkdtemp(join(tmpdir(), 'distributed-logger-consul-'));
  const cluster = await startConsul({ binary, dir, ...options });
  owner.after(async () => {
    await cluster.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return cluster;
}
