// What the logger sees of Kubernetes: a label that follows its role, and the number of loggers that people want.
// Neither is ever in the way of leadership: no call here waits for the API server, except `start` and `stop`, which
// are bounded.

import type { Happening, KubernetesCall } from './api.ts';

export type Role = 'leader' | 'follower';

export interface LabelState {
  /** False outside a cluster, where there is no pod to label. */
  readonly enabled: boolean;
  readonly wanted: Role;
  /** The own pod's label when last seen; null when never seen, or not there. */
  readonly observed: string | null;
  /** Whether the last comparison with the API server found nothing to mend, and nothing happened since. */
  readonly inSync: boolean;
  readonly error: string | null;
}

/** A member that the own logger, as leader, took into the register or out of it. */
export type MemberChange = Extract<Happening, { member: string }>;

export interface LabelKeeper {
  /** Labels the own pod `follower`; resolves once that stands, or after a few seconds if the API server is away. */
  start(): Promise<void>;
  /** From now on the own pod shall carry the leader label under `epoch`, and no pod with a lower epoch may. */
  lead(epoch: number): void;
  /** From now on the own pod shall be labelled `follower`. */
  follow(): void;
  /** Makes an event of a change of the members, as soon as the API server answers. */
  tell(change: MemberChange): void;
  state(): LabelState;
  /** Takes the leader label off the own pod, within a few seconds, and ends all that runs. */
  stop(): Promise<void>;
}

/** `spec.replicas` of the StatefulSet, read again and again. */
export interface ReplicasReader {
  start(): void;
  /** Null while it is not known. */
  readonly replicas: number | null;
  readonly error: string | null;
  /**
   * Reads it now; resolves, within seconds, whether that worked or not. For a pod that is told to stop: whether it is
   * scaled away or will come back, a number read some seconds ago cannot tell.
   */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** Where metrics and log lines come from. Called as things happen; must not throw. */
export interface KubernetesHooks {
  /** Every call to the API server that was not cut short by the logger itself. */
  onCall(call: KubernetesCall): void;
  onPatch(patch: { readonly result: 'ok' | 'conflict' | 'error'; readonly seconds: number }): void;
  /** When `inSync` changes. */
  onSync(inSync: boolean): void;
  /** When `error` changes, and null when it has passed: worth one log line each. */
  onError(error: string | null): void;
}

export interface Kubernetes {
  readonly enabled: boolean;
  /** Whether the last call to the API server was answered; null before the first. */
  readonly reachable: boolean | null;
  readonly label: LabelKeeper;
  readonly replicas: ReplicasReader;
  stop(): Promise<void>;
}
