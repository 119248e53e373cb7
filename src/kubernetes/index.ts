// The Kubernetes side of a logger: leader label, events, and the number of loggers that are wanted.

export type { KubernetesCall, KubernetesOperation } from './api.ts';
export { createKubernetes, type KubernetesConfig } from './create.ts';
export { EPOCH_ANNOTATION, ROLE_LABEL } from './labels.ts';
export type {
  Kubernetes,
  KubernetesHooks,
  LabelKeeper,
  LabelState,
  MemberChange,
  ReplicasReader,
  Role,
} from './types.ts';
