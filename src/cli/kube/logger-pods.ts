// Which pods are the loggers that are meant, and by what URL each is asked: read off the pods themselves, so that it holds
// for any release of the chart.
import type { V1Pod } from '@kubernetes/client-node';
import { CliError } from '../cli-error.ts';

export interface KubeOptions {
  /** Each null where not given. */
  readonly namespace: string | null;
  readonly context: string | null;
  readonly release: string | null;
  /** A label selector instead of the chart's labels. */
  readonly selector: string | null;
}

export interface LoggerPod {
  readonly name: string;
  /** Null until it has one. */
  readonly ip: string | null;
  readonly release: string | null;
  readonly ready: boolean;
  /** Base URL of its API by a name that lasts as long as the StatefulSet; only a dial of ours knows it. */
  readonly url: string;
}

const NAME_LABEL = 'app.kubernetes.io/name';
const COMPONENT_LABEL = 'app.kubernetes.io/component';
const RELEASE_LABEL = 'app.kubernetes.io/instance';
const DEFAULT_PORT = 8080;
const ENDED: readonly (string | undefined)[] = ['Succeeded', 'Failed'];

export function selectorOf({ release, selector }: KubeOptions): string {
  if (selector !== null) return selector;
  const ours = `${NAME_LABEL}=distributed-logger,${COMPONENT_LABEL}=logger`;
  return release === null ? ours : `${ours},${RELEASE_LABEL}=${release}`;
}

/** The loggers among pods, those that are ready first. */
export const loggerPods = (pods: readonly V1Pod[]): LoggerPod[] =>
  pods
    .flatMap((pod) => loggerPod(pod) ?? [])
    .sort((one, other) => Number(other.ready) - Number(one.ready) || one.name.localeCompare(other.name));

function loggerPod({ metadata, spec, status }: V1Pod): LoggerPod | null {
  const name = metadata?.name;
  if (name === undefined || ENDED.includes(status?.phase)) return null;
  // The chart's logger has one container; others may have been put beside it.
  const container = spec?.containers.find((each) => each.name === 'logger') ?? spec?.containers[0];
  const port = container?.ports?.find((each) => each.name === 'http')?.containerPort ?? DEFAULT_PORT;
  // The kubelet must know whether the API speaks TLS, so its probe tells.
  const scheme = container?.readinessProbe?.httpGet?.scheme === 'HTTPS' ? 'https' : 'http';
  // As the chart has a certificate's names.
  const { namespace } = metadata ?? {};
  const host = spec?.subdomain && namespace ? `${name}.${spec.subdomain}.${namespace}.svc` : name;
  return {
    name,
    ip: status?.podIP ?? null,
    release: metadata?.labels?.[RELEASE_LABEL] ?? null,
    ready: status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false,
    url: `${scheme}://${host}:${port}`,
  };
}

/** Throws CliError when there are no loggers, or those of several releases and none is named. */
export function checkPods(pods: readonly LoggerPod[], options: KubeOptions, where: string): void {
  if (pods.length === 0)
    throw new CliError('kube-no-loggers', `no pod in ${where} has the labels ${selectorOf(options)}`);
  if (options.release !== null || options.selector !== null) return;
  const releases = [...new Set(pods.map(({ release }) => release ?? '(none)'))].sort();
  if (releases.length > 1)
    throw new CliError(
      'kube-several-releases',
      `${where} has loggers of the releases ${releases.join(', ')}`,
    );
}

/** Without the brackets that an IPv6 address has in a URL. */
export const bareHost = (host: string): string => host.replace(/^\[|\]$/g, '');

/**
 * The pod that a host names: by its name, alone or as the first label of a DNS name, or by its address. Null for a stranger.
 */
export function podOf(host: string, pods: readonly LoggerPod[]): LoggerPod | null {
  const bare = bareHost(host);
  const [label] = bare.split('.');
  return pods.find(({ ip, name }) => ip === bare || name === bare || name === label) ?? null;
}
