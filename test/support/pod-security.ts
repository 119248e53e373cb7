// The restricted Pod Security Standard, as far as a pod's own specification tells: what the admission of a namespace with the
// label pod-security.kubernetes.io/enforce=restricted would refuse. From Kubernetes' page "Pod Security Standards", which says of
// each control what fields it looks at and what they may hold; Windows' controls and ephemeral containers are left out.
import type { PodSpec } from './manifests.ts';

type Fields = Readonly<Record<string, unknown>>;

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];
const SECCOMP = ['RuntimeDefault', 'Localhost'];
const SELINUX = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

const fields = (value: unknown): Fields => (value ?? {}) as Fields;
const list = (value: unknown): Fields[] => (value ?? []) as Fields[];

/** One line for each violation; none for a pod that is admitted. */
export function restrictedViolations(pod: PodSpec): string[] {
  const own = fields(pod.securityContext);
  const containers = [...list(pod.initContainers), ...list(pod.containers)];
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((each) => pod[each] === true),
    ...list(pod.volumes).flatMap((volume) =>
      Object.keys(volume)
        .filter((kind) => kind !== 'name' && !VOLUMES.includes(kind))
        .map((kind) => `volume ${volume.name} is a ${kind}`),
    ),
    ...list(own.sysctls)
      .filter(({ name }) => !SYSCTLS.includes(String(name)))
      .map(({ name }) => `sysctl ${name}`),
    ...(own.runAsUser === 0 ? ['the pod runs as root'] : []),
    ...containers.flatMap((container) =>
      containerViolations(container, own).map((violation) => `${container.name}: ${violation}`),
    ),
  ];
}

function containerViolations(container: Fields, pod: Fields): string[] {
  const own = fields(container.securityContext);
  const { drop = [], add = [] } = fields(own.capabilities) as { drop?: string[]; add?: string[] };
  const seccomp = fields(own.seccompProfile ?? pod.seccompProfile).type;
  const selinux = fields(own.seLinuxOptions ?? pod.seLinuxOptions);
  const violations: [violated: boolean, what: string][] = [
    [own.privileged === true, 'privileged'],
    [own.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation is not false'],
    [(own.runAsNonRoot ?? pod.runAsNonRoot) !== true, 'runAsNonRoot is not true'],
    [own.runAsUser === 0, 'runs as root'],
    [!drop.includes('ALL'), 'does not drop all capabilities'],
    [add.some((each) => each !== 'NET_BIND_SERVICE'), 'adds capabilities'],
    [!SECCOMP.includes(String(seccomp)), 'has no seccomp profile'],
    [!['Default', undefined].includes(own.procMount as string | undefined), 'has another /proc'],
    [!SELINUX.includes(String(selinux.type ?? '')), 'has another SELinux type'],
    [selinux.user !== undefined || selinux.role !== undefined, 'has another SELinux user or role'],
    [
      list(container.ports).some(({ hostPort }) => hostPort !== undefined && hostPort !== 0),
      'uses a port of the host',
    ],
    [namesHost(container), 'has a probe or hook with a host'],
  ];
  return violations.filter(([violated]) => violated).map(([, what]) => what);
}

/** Since Kubernetes 1.34 probes and hooks may not name a host. */
function namesHost({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Fields): boolean {
  const { postStart, preStop } = fields(lifecycle);
  return [livenessProbe, readinessProbe, startupProbe, postStart, preStop].some((handler) => {
    const { httpGet, tcpSocket } = fields(handler);
    return (fields(httpGet).host ?? fields(tcpSocket).host) !== undefined;
  });
}
