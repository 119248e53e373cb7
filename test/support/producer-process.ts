// The producer's program as a process of a test, sending to loggers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { guardChild } from '../../src/stack/consul-guard.ts';
import { freePorts } from '../../src/stack/consul-ports.ts';

const MAIN = fileURLToPath(new URL('../../src/producer/main.ts', import.meta.url));

/** Starts it; it ends with its owner. Resolves with host:port of its probes and metrics. */
export async function startProducer(
  owner: { after(end: () => Promise<void>): void },
  targets: readonly string[],
  rate: number,
): Promise<string> {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      DLOG_PRODUCER_NAME: 'producer-0',
      DLOG_PRODUCER_HOST: '127.0.0.1',
      DLOG_PRODUCER_PORT: String(port),
      DLOG_TARGET: targets.join(','),
      DLOG_RATE: String(rate),
    },
    stdio: 'ignore',
  });
  const lift = child.pid === undefined ? () => {} : guardChild(child.pid);
  const exited = once(child, 'exit');
  owner.after(async () => {
    child.kill('SIGKILL');
    await exited;
    lift();
  });
  return `127.0.0.1:${port}`;
}
