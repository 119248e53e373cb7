// Which pod must carry which label: a pure comparison of what is wanted with what the API server shows.
//
// The annotation holds the highest epoch that has decided a pod's label. A leader stamps its epoch on every pod of
// the cluster, labelled or not, since each patch names the resourceVersion that it was decided on: once that is
// done, a late patch of an older leader is refused by the API server, and finds a higher epoch when it reads again.

import type { Role } from './types.ts';

export const ROLE_LABEL = 'distributed-logger/role';
export const EPOCH_ANNOTATION = 'distributed-logger/epoch';

export type Wish =
  | { readonly role: 'follower' }
  | {
      readonly role: 'leader';
      readonly epoch: number;
    };

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly role: string | null;
  /** 0 where no leader has decided yet. */
  readonly epoch: number;
}

export interface PodPatch {
  readonly pod: Pod;
  readonly role: Role;
  /** Never below the pod's own. */
  readonly epoch: number;
}

export interface Comparison {
  readonly patches: readonly PodPatch[];
  /** An epoch above the wished one, decided by a leader that this logger has not heard of yet. */
  readonly supersededBy: number | null;
}

/** Anything but a whole number from 1 on, as nobody of ours writes it, counts as never decided. */
export function parseEpoch(annotation: string | undefined): number {
  if (annotation === undefined || !/^[1-9]\d{0,15}$/.test(annotation)) return 0;
  const epoch = Number(annotation);
  return Number.isSafeInteger(epoch) ? epoch : 0;
}

export function compare(wish: Wish, ownName: string, pods: readonly Pod[]): Comparison {
  if (wish.role === 'follower') return { patches: stepDown(ownName, pods), supersededBy: null };
  const highest = Math.max(...pods.map((pod) => pod.epoch));
  if (highest > wish.epoch) return { patches: stepDown(ownName, pods), supersededBy: highest };
  const patches: PodPatch[] = [];
  for (const pod of pods) {
    const role: Role = pod.name === ownName ? 'leader' : 'follower';
    // Of two pods in one epoch none can be told to be older, and epochs have one leader each: such a label is left alone.
    const decided = pod.epoch === wish.epoch && (pod.name !== ownName || pod.role === role);
    if (!decided) patches.push({ pod, role, epoch: wish.epoch });
  }
  return { patches, supersededBy: null };
}

function stepDown(ownName: string, pods: readonly Pod[]): readonly PodPatch[] {
  const own = pods.find((pod) => pod.name === ownName);
  return own === undefined || own.role === 'follower'
    ? []
    : [{ pod: own, role: 'follower', epoch: own.epoch }];
}
