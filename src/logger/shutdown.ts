// The orderly way out: a leader hands over and then, for a moment, still shows clients the way to its successor, so that nobody
// meets a closed door; a pod that is scaled away waits until it is no member.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger as PinoLogger } from 'pino';
import type { LoggerConfig } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { ReplicasReader } from '../kubernetes/index.ts';
import type { ReplicatedLog } from './replicated-log.ts';
import type { Service } from './service.ts';
import { type Membership, untilRemoved } from './wanted-members.ts';

/** Shares of the whole time that a stop may take. */
const REMOVAL_SHARE = 0.4;
const SUCCESSOR_SHARE = 0.2;
const SUCCESSOR_POLL_MS = 5;

export interface ShutdownParts {
  readonly config: Pick<LoggerConfig, 'id' | 'statefulSet' | 'shutdownTimeoutMs' | 'lingerMs'>;
  readonly service: Pick<Service, 'beginShutdown'>;
  readonly replicated: ReplicatedLog & Membership;
  readonly replicas: ReplicasReader;
  readonly out: PinoLogger;
}

export async function shutdown(parts: ShutdownParts): Promise<void> {
  const { config, service, replicated, replicas } = parts;
  service.beginShutdown();
  // Leadership first: clients wait for it, and a scaled-away leader is removed by its successor.
  if (replicated.role.kind === 'leader') await handOver(parts);
  await untilRemoved(config, replicas, replicated, config.shutdownTimeoutMs * REMOVAL_SHARE);
}

async function handOver({ config, replicated, out }: ShutdownParts): Promise<void> {
  try {
    const { to, epoch } = await replicated.transfer(null);
    out.info({ event: 'handing-over', to, epoch }, `Handing over to ${to}`);
  } catch (error) {
    out.warn(`Nobody to hand over to: ${messageOf(error)}`);
    return;
  }
  const deadlineMs = performance.now() + config.shutdownTimeoutMs * SUCCESSOR_SHARE;
  const succeeded = (): boolean => replicated.role.kind === 'follower' && replicated.role.leader !== null;
  while (!succeeded() && performance.now() < deadlineMs) await sleep(SUCCESSOR_POLL_MS);
  if (succeeded()) await sleep(config.lingerMs);
}
