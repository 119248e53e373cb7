// Decides whether there is a pod to label, and builds what keeps its label.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type LoggerConfig } from '../config.ts';
import { ApiClient } from './client.ts';
import { disabledKubernetes, noReplicas } from './disabled.ts';
import { PodLabelKeeper } from './keeper.ts';
import { StatefulSetReplicas } from './replicas.ts';
import type { Kubernetes, KubernetesHooks } from './types.ts';

export type KubernetesConfig = Pick<
  LoggerConfig,
  'kubernetes' | 'podName' | 'namespace' | 'podSelector' | 'statefulSet' | 'labelResyncMs'
>;

/** What a pod finds around it; given by tests. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly serviceAccountDir: string;
}

const inPod: Surroundings = {
  environment: process.env,
  serviceAccountDir: '/var/run/secrets/kubernetes.io/serviceaccount',
};

/** Throws ConfigError, with all problems, when labels are wanted and cannot be had. Calls nothing yet. */
export function createKubernetes(
  config: KubernetesConfig,
  hooks: KubernetesHooks,
  surroundings: Surroundings = inPod,
): Kubernetes {
  const token = join(surroundings.serviceAccountDir, 'token');
  const mounted = existsSync(token);
  const auto = mounted && config.podName !== '';
  if (config.kubernetes === 'off' || (config.kubernetes === 'auto' && !auto)) return disabledKubernetes();

  const problems: string[] = [];
  const missing = (variable: string, takes: string) =>
    problems.push(`${variable} is not set: with DLOG_KUBERNETES=${config.kubernetes} here it takes ${takes}`);
  if (!mounted) {
    problems.push(`DLOG_KUBERNETES is "on", but there is no service account token at ${token}`);
  }
  if (!surroundings.environment.KUBERNETES_SERVICE_HOST) {
    missing('KUBERNETES_SERVICE_HOST', 'the address of the API server, as every pod is given it');
  }
  if (config.podName === '') missing('DLOG_POD_NAME', 'the name of this pod');
  // Without a selector every pod of the namespace would be one of ours.
  if (config.podSelector === '') missing('DLOG_POD_SELECTOR', 'a label selector of all loggers');
  const namespace = config.namespace || readNamespace(surroundings.serviceAccountDir);
  if (namespace === '') missing('DLOG_POD_NAMESPACE', 'the namespace of this pod');
  if (problems.length > 0) throw new ConfigError(problems);

  let reachable: boolean | null = null;
  const api = new ApiClient({
    namespace,
    podSelector: config.podSelector,
    onCall: (call) => {
      reachable = call.result !== 'error';
      hooks.onCall(call);
    },
    load: (kubeConfig) => kubeConfig.loadFromCluster(),
  });
  const { podName, labelResyncMs: resyncMs, statefulSet } = config;
  const label = new PodLabelKeeper({ api, podName, resyncMs, hooks });
  const replicas = statefulSet === '' ? noReplicas : new StatefulSetReplicas({ api, statefulSet, resyncMs });
  return {
    enabled: true,
    get reachable() {
      return reachable;
    },
    label,
    replicas,
    async stop() {
      await Promise.all([label.stop(), replicas.stop()]);
      await api.close();
    },
  };
}

function readNamespace(serviceAccountDir: string): string {
  const file = join(serviceAccountDir, 'namespace');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}
