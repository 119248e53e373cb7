// The Consul that a stack uses: one that runs already, or a server of its own that ends with it.
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { findConsul } from './consul-binary.ts';
import { startConsul } from './consul-cluster.ts';

const PROBE_TIMEOUT_MS = 3_000;

export interface StackConsul {
  readonly urls: readonly string[];
  /** Null when it was running already. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** Rejects with ConsulNotFound, ConsulStartError or another error that says what to do. */
export async function ownConsul(
  directory: string,
  httpPort: number | null,
  note: (line: string) => void,
): Promise<StackConsul> {
  const binary = await findConsul({ note });
  const dir = join(directory, 'consul');
  const cluster = await startConsul({ binary, dir, ...(httpPort !== null && { httpPort }) });
  return { urls: cluster.urls, pid: cluster.servers[0]?.pid ?? null, stop: () => cluster.stop() };
}

/** `forget` names a cluster whose register is removed at the end, since its loggers' data is too. */
export async function runningConsul(urls: readonly string[], forget: string | null): Promise<StackConsul> {
  const answers = await Promise.allSettled(urls.map(leaderOf));
  if (!answers.some((answer) => answer.status === 'fulfilled')) {
    const [first] = answers as PromiseRejectedResult[];
    throw new Error(`no Consul with a leader answers at ${urls.join(', ')}: ${messageOf(first?.reason)}`);
  }
  return {
    urls,
    pid: null,
    async stop() {
      if (forget === null) return;
      const path = `/v1/kv/distributed-logger/${forget}/?recurse`;
      await fetch(urls[0] + path, { method: 'DELETE', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    },
  };
}

async function leaderOf(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/status/leader`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  const leader: unknown = response.ok ? await response.json() : null;
  if (typeof leader !== 'string' || leader === '') throw new Error(`${url} knows no leader`);
  return leader;
}
