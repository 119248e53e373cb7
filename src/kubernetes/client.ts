// The API server's calls by @kubernetes/client-node. The package is loaded with the first call: it takes half a
// second and tens of megabytes, which a logger outside Kubernetes need not pay.

import type { AppsV1Api, CoreV1Api, CoreV1Event, KubeConfig, V1Pod } from '@kubernetes/client-node';
import { ApiServerError, type KubernetesApi, type KubernetesCall, type PodEvent } from './api.ts';
import type { Client, Connection } from './connection.ts';
import { happeningKey } from './events.ts';
import { EPOCH_ANNOTATION, type Pod, type PodPatch, parseEpoch, ROLE_LABEL } from './labels.ts';

const COMPONENT = 'distributed-logger';
const HTTP_CONFLICT = 409;

export interface ClientOptions {
  readonly namespace: string;
  readonly podSelector: string;
  readonly callTimeoutMs?: number;
  readonly onCall?: (call: KubernetesCall) => void;
  /** Fills the configuration: cluster, credentials. */
  readonly load: (kubeConfig: KubeConfig) => void;
}

interface Loaded {
  readonly client: Client;
  readonly connection: Connection;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
}

export class ApiClient implements KubernetesApi {
  readonly #options: ClientOptions;
  #loaded: Promise<Loaded> | null = null;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async pods(signal: AbortSignal): Promise<readonly Pod[]> {
    const { connection, core } = await this.#load();
    const { namespace, podSelector: labelSelector } = this.#options;
    const list = await connection.call('pods_list', 'list pods', signal, (options) =>
      core.listNamespacedPod({ namespace, labelSelector }, options),
    );
    return list.items.map(podOf);
  }

  async patch({ pod, role, epoch }: PodPatch, signal: AbortSignal): Promise<Pod> {
    const { client, connection, core } = await this.#load();
    const body = {
      metadata: {
        resourceVersion: pod.resourceVersion,
        labels: { [ROLE_LABEL]: role },
        ...(epoch > 0 ? { annotations: { [EPOCH_ANNOTATION]: String(epoch) } } : {}),
      },
    };
    const { namespace } = this.#options;
    const patched = await connection.call(
      'pod_patch',
      `patch pod ${pod.name}`,
      signal,
      (options) => core.patchNamespacedPod({ namespace, name: pod.name, body }, options),
      client.PatchStrategy.MergePatch,
    );
    return podOf(patched);
  }

  async createEvent(event: PodEvent, signal: AbortSignal): Promise<void> {
    const { connection, core } = await this.#load();
    const { namespace } = this.#options;
    const body = eventOf(event, namespace);
    try {
      await connection.call('event_create', 'create event', signal, (options) =>
        core.createNamespacedEvent({ namespace, body }, options),
      );
    } catch (error) {
      if (!(error instanceof ApiServerError && error.status === HTTP_CONFLICT)) throw error;
    }
  }

  async replicas(name: string, signal: AbortSignal): Promise<number> {
    const { connection, apps } = await this.#load();
    const { namespace } = this.#options;
    const { spec } = await connection.call('statefulset_get', `get statefulset ${name}`, signal, (options) =>
      apps.readNamespacedStatefulSet({ namespace, name }, options),
    );
    // The API server fills in 1 where nothing is said.
    return spec?.replicas ?? 1;
  }

  async close(): Promise<void> {
    if (this.#loaded !== null) await (await this.#loaded).connection.close();
  }

  #load(): Promise<Loaded> {
    if (this.#loaded === null) {
      const loading = this.#make();
      this.#loaded = loading;
      loading.catch(() => {
        this.#loaded = null;
      });
    }
    return this.#loaded;
  }

  async #make(): Promise<Loaded> {
    const [client, { Connection }] = await Promise.all([
      import('./client-node.ts'),
      import('./connection.ts'),
    ]);
    const kubeConfig = new client.KubeConfig();
    this.#options.load(kubeConfig);
    return {
      client,
      connection: new Connection(client, kubeConfig, this.#options),
      core: kubeConfig.makeApiClient(client.CoreV1Api),
      apps: kubeConfig.makeApiClient(client.AppsV1Api),
    };
  }
}

function podOf({ metadata }: V1Pod): Pod {
  const { name, uid, resourceVersion, labels, annotations } = metadata ?? {};
  // A patch without a resourceVersion would be unconditional.
  if (!name || !uid || !resourceVersion) throw new Error('the API server sent a pod without its identity');
  return {
    name,
    uid,
    resourceVersion,
    role: labels?.[ROLE_LABEL] ?? null,
    epoch: parseEpoch(annotations?.[EPOCH_ANNOTATION]),
  };
}

function messageOf(pod: Pod, happening: PodEvent['happening']): string {
  const { epoch } = happening;
  switch (happening.reason) {
    case 'LeaderElected':
      return `${pod.name} leads epoch ${epoch}`;
    case 'LeaderLost':
      return `${pod.name} no longer leads epoch ${epoch}`;
    case 'MemberAdded':
      return `${happening.member} is a member from now on, in epoch ${epoch} led by ${pod.name}`;
    case 'MemberRemoved':
      return `${happening.member} is a member no longer, in epoch ${epoch} led by ${pod.name}`;
  }
}

/** The name is made from what the event tells, so that creating it once more, after a call without answer, is refused. */
function eventOf({ pod, happening, at }: PodEvent, namespace: string): CoreV1Event {
  return {
    metadata: { name: `${pod.name}.${pod.uid.slice(0, 8)}.${happeningKey(happening)}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name: pod.name, namespace, uid: pod.uid },
    type: 'Normal',
    reason: happening.reason,
    message: messageOf(pod, happening),
    source: { component: COMPONENT },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    reportingComponent: COMPONENT,
    reportingInstance: pod.name,
  };
}
