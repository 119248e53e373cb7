// A real Consul for integration tests: started on free ports in a temporary directory, ended and deleted after the test.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { type ConsulVersion, findConsul } from '../../src/stack/consul-binary.ts';
import { type ConsulCluster, startConsul } from '../../src/stack/consul-cluster.ts';

export type { ConsulCluster } from '../../src/stack/consul-cluster.ts';
export type { ConsulServer } from '../../src/stack/consul-server.ts';

export interface TestConsulOptions {
  readonly servers?: 1 | 3;
  /** More top-level settings of the servers' configuration, whose names may hang on the version. */
  readonly extraFor?: (version: ConsulVersion) => Readonly<Record<string, unknown>>;
}

/** Whom a Consul belongs to: a test's context. */
export interface Owner {
  after(end: () => Promise<void>): void;
  diagnostic?(message: string): void;
}

/** Starts Consul and resolves when it has a leader; it ends with its owner. */
export async function testConsul(owner: Owner, options: TestConsulOptions = {}): Promise<ConsulCluster> {
  const { servers = 1, extraFor = () => ({}) } = options;
  const binary = await findConsul({ note: (line) => owner.diagnostic?.(line) });
  const dir = await mkdtemp(join(tmpdir(), 'distributed-logger-consul-'));
  const cluster = await startConsul({ binary, dir, servers, extra: extraFor(binary.version) });
  owner.after(async () => {
    await cluster.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return cluster;
}

/**
 * One Consul for all tests of a file or `describe`, in which this is called; the function returned gives it to each test.
 * The hooks are made here, since an `after` called within a `before` would run when that `before` ends.
 */
export function sharedConsul(options: TestConsulOptions = {}): () => ConsulCluster {
  const ends: (() => Promise<void>)[] = [];
  let cluster: ConsulCluster | null = null;
  before(async () => {
    cluster = await testConsul({ after: (end) => void ends.push(end) }, options);
  });
  after(async () => {
    for (const end of ends) await end();
  });
  return () => {
    if (cluster === null) throw new Error('Consul is only there within a test');
    return cluster;
  };
}
