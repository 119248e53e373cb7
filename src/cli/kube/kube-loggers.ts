// The loggers of a release, by way of its API server: the client asks for connections to the names and addresses that loggers
// have inside the cluster, and each is made to the pod that has it. So redirects, and what a status says of other loggers, lead
// somewhere from outside too, and a failover is followed as from inside.
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../../errors.ts';
import { ApiServerError } from '../../kubernetes/api.ts';
import { type Client, Connection } from '../../kubernetes/connection.ts';
import { CliError } from '../cli-error.ts';
import { ForwardRefused, forward } from './forwarded-stream.ts';
import {
  bareHost,
  checkPods,
  type KubeOptions,
  type LoggerPod,
  loggerPods,
  podOf,
  selectorOf,
} from './logger-pods.ts';
import { proxyFor } from './proxy.ts';

const CALL_TIMEOUT_MS = 10_000;
/** An address can have gone to another pod: it is looked up for each connection, but not more often than this. */
const LOOKUP_EVERY_MS = 500;
const NOBODY: readonly number[] = [401, 403];

interface Parts {
  readonly client: Client;
  readonly kubeConfig: KubeConfig;
  readonly connection: Connection;
  readonly core: CoreV1Api;
  readonly namespace: string;
  readonly options: KubeOptions;
}

export class KubeLoggers {
  readonly #parts: Parts;
  readonly #ended = new AbortController();
  #pods: readonly LoggerPod[] = [];
  #listedMs = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | null = null;
  /** Called with a refusal that repeating will not change. */
  onRefused: (error: CliError) => void = () => {};

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rejects with CliError, or with the reason of `signal`. `load` fills the configuration; else it is kubectl's. */
  static async open(
    options: KubeOptions,
    signal: AbortSignal,
    load: (kubeConfig: KubeConfig) => void = loadDefault,
    environment: NodeJS.ProcessEnv = process.env,
  ): Promise<KubeLoggers> {
    // The package takes half a second to load, which only this way pays.
    const client = await import('../../kubernetes/client-node.ts');
    const kubeConfig = new client.KubeConfig();
    configure(kubeConfig, options.context, load);
    useProxy(kubeConfig, environment);
    const namespace =
      options.namespace ??
      kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ??
      'default';
    const connection = new Connection(client, kubeConfig, { callTimeoutMs: CALL_TIMEOUT_MS });
    const core = kubeConfig.makeApiClient(client.CoreV1Api);
    const loggers = new KubeLoggers({ client, kubeConfig, connection, core, namespace, options });
    try {
      await loggers.#list(signal);
      checkPods(
        loggers.#pods,
        options,
        `namespace ${namespace} of context ${kubeConfig.getCurrentContext()}`,
      );
    } catch (error) {
      await loggers.close();
      throw error;
    }
    return loggers;
  }

  /** Base URLs that `dial` understands. */
  get targets(): string[] {
    return this.#pods.map(({ url }) => url);
  }

  /** For the client's option of this name. */
  readonly dial = async (host: string, port: number, signal: AbortSignal): Promise<Duplex> => {
    const { client, kubeConfig, namespace } = this.#parts;
    // A name stays with its pod; an address does not.
    let pod = isIP(bareHost(host)) === 0 ? podOf(host, this.#pods) : null;
    if (pod === null) {
      await this.#lookUp();
      pod = podOf(host, this.#pods);
    }
    if (pod === null) throw new Error(`no logger's pod in namespace ${namespace} has the address ${host}`);
    try {
      return await forward(client, kubeConfig, { namespace, pod: pod.name, port }, signal);
    } catch (error) {
      if (error instanceof ForwardRefused && NOBODY.includes(error.status))
        this.onRefused(new CliError('kube-refused', error.message, { cause: error }));
      throw error;
    }
  };

  async close(): Promise<void> {
    this.#ended.abort(new Error('closed'));
    await this.#parts.connection.close();
  }

  /** Where the API server does not answer, what was known is what there is. */
  #lookUp(): Promise<void> {
    if (performance.now() - this.#listedMs < LOOKUP_EVERY_MS) return Promise.resolve();
    this.#listing ??= this.#list(this.#ended.signal)
      .catch(() => undefined)
      .finally(() => {
        this.#listing = null;
      });
    return this.#listing;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { connection, core, namespace, options } = this.#parts;
    const labelSelector = selectorOf(options);
    try {
      const { items } = await connection.call(
        'pods_list',
        `list pods in namespace ${namespace}`,
        signal,
        (how) => core.listNamespacedPod({ namespace, labelSelector }, how),
      );
      this.#pods = loggerPods(items);
      this.#listedMs = performance.now();
    } catch (error) {
      if (!(error instanceof ApiServerError)) throw error;
      const code = error.status === null ? 'kube-unreachable' : 'kube-refused';
      throw new CliError(code, error.message, { cause: error });
    }
  }
}

function configure(
  kubeConfig: KubeConfig,
  context: string | null,
  load: (kubeConfig: KubeConfig) => void,
): void {
  try {
    load(kubeConfig);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('kube-config', `the kubeconfig cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (context !== null) kubeConfig.setCurrentContext(context);
  if (kubeConfig.getCurrentCluster() !== null) return;
  const names = kubeConfig.getContexts().map(({ name }) => name);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  const wanted = context ?? kubeConfig.getCurrentContext();
  throw new CliError(
    'kube-config',
    wanted
      ? `the kubeconfig has no context ${JSON.stringify(wanted)} with a cluster: ${known}`
      : `the kubeconfig names no current context: ${known}`,
  );
}

/** As kubectl does; one that the kubeconfig names wins. */
function useProxy(kubeConfig: KubeConfig, environment: NodeJS.ProcessEnv): void {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) return;
  try {
    const proxyUrl = cluster.proxyUrl ?? proxyFor(cluster.server, environment);
    if (proxyUrl === null) return;
    if (!/^https?:/.test(proxyUrl)) throw new Error(`${proxyUrl} is no proxy that speaks HTTP`);
    kubeConfig.clusters = kubeConfig.clusters.map((each) =>
      each.name === cluster.name ? { ...each, proxyUrl } : each,
    );
  } catch (cause) {
    throw new CliError('kube-config', `no way to the API server by a proxy: ${messageOf(cause)}`, { cause });
  }
}

function loadDefault(kubeConfig: KubeConfig): void {
  kubeConfig.loadFromDefault();
  // This is what the package makes up where it finds nothing.
  if (kubeConfig.getCurrentCluster()?.server === 'http://localhost:8080')
    throw new CliError('kube-config', 'there is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config');
}
