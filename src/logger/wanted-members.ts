// On Kubernetes the wanted members are the StatefulSet's replicas: pods NAME-0 … NAME-(n-1). The leader moves the register
// there; a pod that is scaled away waits, within bounds, until it is no member before it goes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicasReader } from '../kubernetes/index.ts';

const POLL_MS = 500;

export interface Membership {
  setWantedMembers(ids: readonly string[] | null): void;
  readonly members: readonly { readonly id: string }[];
}

/** Ids of the pods that a StatefulSet of so many replicas has; null when nothing should change. */
export function wantedIds(statefulSet: string, replicas: number | null): string[] | null {
  // Zero replicas is how people switch a StatefulSet off: its members are to be there again when it comes back.
  if (replicas === null || replicas === 0) return null;
  return Array.from({ length: replicas }, (_, ordinal) => `${statefulSet}-${ordinal}`);
}

/** Tells the driver of every change until `signal` aborts. */
export function followReplicas(
  statefulSet: string,
  replicas: ReplicasReader,
  membership: Membership,
  signal: AbortSignal,
): void {
  let told: number | null = null;
  const look = (): void => {
    if (replicas.replicas === told) return;
    told = replicas.replicas;
    const ids = wantedIds(statefulSet, told);
    if (ids) membership.setWantedMembers(ids);
  };
  const timer = setInterval(look, POLL_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** For a pod that is being scaled away: resolves once it is no member, or after `timeoutMs`. At once for all others. */
export async function untilRemoved(
  own: { id: string; statefulSet: string },
  replicas: ReplicasReader,
  membership: Membership,
  timeoutMs: number,
): Promise<void> {
  // Whether this pod is scaled away or will come back, a number read some seconds ago cannot tell.
  await replicas.refresh();
  const wanted = wantedIds(own.statefulSet, replicas.replicas);
  if (wanted === null || wanted.includes(own.id)) return;
  const deadlineMs = performance.now() + timeoutMs;
  const isMember = (): boolean => membership.members.some(({ id }) => id === own.id);
  while (isMember() && performance.now() < deadlineMs) await sleep(POLL_MS);
}
