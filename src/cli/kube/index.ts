// `dlog --kube`: loggers that run on Kubernetes, reached from outside the cluster.
export { KubeLoggers } from './kube-loggers.ts';
export type { KubeOptions } from './logger-pods.ts';
