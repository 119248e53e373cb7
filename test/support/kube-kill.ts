// SIGKILL, or any signal, for the first process of a container, as an out-of-memory kill or a crash would end it. Process 1
// is safe from that inside its own namespace, so the signal comes from a pod beside it that shares the node's process
// namespace. It runs the Node of the image under test: any cluster that allows such a pod will do.
import { randomBytes } from 'node:crypto';
import type { Namespace } from './cluster.ts';

const DEADLINE_MS = 60_000;

const SCRIPT = `
const { readdirSync, readFileSync } = require('node:fs');
const [id, signal] = process.argv.slice(1);
const isFirst = (pid) => {
  try {
    const inside = /^NSpid:.*\\s(\\d+)$/m.exec(readFileSync('/proc/' + pid + '/status', 'utf8'));
    return inside?.[1] === '1' && readFileSync('/proc/' + pid + '/cgroup', 'utf8').includes(id);
  } catch {
    return false; // It ended while it was looked at.
  }
};
const pids = readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).filter(isFirst);
if (pids.length !== 1) throw new Error('found ' + pids.length + ' first processes of container ' + id);
process.kill(Number(pids[0]), signal);
console.log(performance.timeOrigin + performance.now());
`;

interface Pod {
  spec: { nodeName: string };
  status: { containerStatuses: { name: string; containerID: string }[] };
}

/** Resolves with the time when it was sent, in milliseconds since 1970 on the clock of the pod's node. */
export async function signalContainer(
  namespace: Namespace,
  podName: string,
  container: string,
  signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT',
  image: string,
): Promise<number> {
  const { spec, status } = await namespace.get<Pod>('pod', podName);
  const id = status.containerStatuses
    .find(({ name }) => name === container)
    ?.containerID.replace(/^.*:\/\//, '');
  if (id === undefined) throw new Error(`pod ${podName} has no running container ${container}`);
  const name = `signal-${randomBytes(3).toString('hex')}`;
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName: spec.nodeName,
      hostPID: true,
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: 'signal',
          image,
          imagePullPolicy: 'IfNotPresent',
          args: ['-e', SCRIPT, id, signal],
          securityContext: { runAsUser: 0, runAsNonRoot: false },
        },
      ],
    },
  });
  const ended = '--for=jsonpath={.status.phase}=Succeeded';
  try {
    await namespace.kubectl(['wait', ended, `pod/${name}`, `--timeout=${DEADLINE_MS}ms`]);
  } catch (cause) {
    const said = await namespace.kubectl(['logs', name]).catch(String);
    throw new Error(`no ${signal} to ${podName}: ${said}`, { cause });
  }
  const sentMs = Number(await namespace.kubectl(['logs', name]));
  await namespace.kubectl(['delete', 'pod', name, '--wait=false']);
  return sentMs;
}
