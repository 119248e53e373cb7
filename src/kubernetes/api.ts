// The calls that are made to the API server, as an interface that is small enough to fake. Each call ends when its
// signal aborts or its own deadline passes, whatever the connection does.

import type { Pod, PodPatch } from './labels.ts';

/** What happened: to the leadership of the pod's own logger, or to the members under its leadership. */
export type Happening =
  | { readonly reason: 'LeaderElected' | 'LeaderLost'; readonly epoch: number }
  | {
      readonly reason: 'MemberAdded' | 'MemberRemoved';
      readonly epoch: number;
      readonly member: string;
      /** That of the register with the change: a member may come and go several times in one epoch. */
      readonly revision: number;
    };

export interface PodEvent {
  readonly pod: Pod;
  readonly happening: Happening;
  readonly at: Date;
}

/** Names of the calls in metrics. */
export type KubernetesOperation = 'pods_list' | 'pod_patch' | 'event_create' | 'statefulset_get';

/** One call. `refused`: the API server answered, but not with success; `error`: there was no answer. */
export interface KubernetesCall {
  readonly operation: KubernetesOperation;
  readonly result: 'ok' | 'refused' | 'error';
  readonly seconds: number;
}

export interface KubernetesApi {
  /** The pods of this cluster of loggers, read consistently. */
  pods(signal: AbortSignal): Promise<readonly Pod[]>;
  /** Changes a pod only if it is still as it was read (HTTP 409 otherwise); the pod as it is afterwards. */
  patch(patch: PodPatch, signal: AbortSignal): Promise<Pod>;
  /** An event that exists already counts as created. */
  createEvent(event: PodEvent, signal: AbortSignal): Promise<void>;
  /** `spec.replicas` of the StatefulSet. */
  replicas(statefulSet: string, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** A call that failed. `status` is null when there was no answer: the server may have carried it out or not. */
export class ApiServerError extends Error {
  override readonly name = 'ApiServerError';
  readonly status: number | null;
  constructor(message: string, status: number | null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

const CONFLICT = 409;
const GONE = 404;

/** The object changed or went away since it was read: read again and decide anew. */
export const isStale = (error: unknown): boolean =>
  error instanceof ApiServerError && (error.status === CONFLICT || error.status === GONE);
