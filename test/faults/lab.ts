// Faults of machines, which no API offers: nodes, processes, networks, disks and the API server itself. LAB is the path of a
// command that runs a cluster on this machine, each node in a network namespace `lab-node-N` and all processes on the host, so
// that what it has no word for is done by the host's own tools. The faults that need it are skipped without it.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../support/cluster.ts';

const DEFAULT_STATE = '/var/tmp/kubernetes-lab';
const ENDED_POLL_MS = 20;
/** Where the kernel's first and second kind of control groups have a group's weight, and that of a session's processes beside it. */
const CPU_GROUPS = [
  { root: '/sys/fs/cgroup/cpu', file: 'cpu.shares', usual: 1024 },
  { root: '/sys/fs/cgroup', file: 'cpu.weight', usual: 100 },
];
/** Kubelet, containerd, its shims and kube-proxy. */
const DAEMONS_OF_A_NODE = 4;

/** A network namespace, and programs run in it. */
export interface Network {
  run(program: string, ...args: readonly string[]): Promise<string>;
  close(): void;
}

export class Lab {
  readonly #command: string;
  readonly #state: string;

  private constructor(command: string, state: string) {
    this.#command = command;
    this.#state = state;
  }

  static fromEnvironment({ LAB, LAB_STATE } = process.env): Lab | null {
    return LAB ? new Lab(LAB, LAB_STATE || DEFAULT_STATE) : null;
  }

  /** `cut` pulls the node's network cable and all goes on running; `kill` is power off. */
  async node(what: 'cut' | 'join' | 'kill' | 'start', node: string): Promise<void> {
    await run(this.#command, ['node', what, numberOf(node)]);
  }

  async image(name: string, ...args: readonly string[]): Promise<void> {
    await run(this.#command, ['image', name, ...args], { timeoutMs: 420_000 });
  }

  /** The first process of a container, by the container's id. */
  pidOf(containerId: string): number {
    const isFirst = (pid: string): boolean => {
      try {
        const inside = /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
        return inside?.[1] === '1' && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
      } catch {
        return false; // It ended while it was looked at.
      }
    };
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFirst(name));
    if (pids.length !== 1) throw new Error(`${pids.length} first processes of container ${containerId}`);
    return Number(pids[0]);
  }

  /** Of a pod, by one of its processes: the namespace outlives them until it is closed here. */
  networkOf(pid: number): Network {
    const namespace = openSync(`/proc/${pid}/ns/net`, 'r');
    const entering = [`--net=/proc/${process.pid}/fd/${namespace}`, '--'];
    return {
      run: (program, ...args) => run('nsenter', [...entering, program, ...args]),
      close: () => closeSync(namespace),
    };
  }

  /** Runs a program in a node's network namespace. */
  onNode(node: string, program: string, ...args: readonly string[]): Promise<string> {
    return run('nsenter', [`--net=/run/netns/lab-node-${numberOf(node)}`, '--', program, ...args]);
  }

  apiServerPid(): number {
    return this.#pidOf('kube-apiserver');
  }

  /** Ends the API server at once; what is returned starts it again as it was. */
  async stopApiServer(): Promise<() => void> {
    const pid = this.apiServerPid();
    const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    if (program === undefined) throw new Error(`process ${pid} is no API server`);
    process.kill(pid, 'SIGKILL');
    while (isRunning(pid)) await sleep(ENDED_POLL_MS);
    return () => {
      this.#start('kube-apiserver', program, args);
      this.mendVolumes();
    };
  }

  /** The lab's maker of volumes does not outlive an API server that is away. */
  mendVolumes(): void {
    if (!isRunning(this.#pidOf('volumes'))) this.#start('volumes', this.#command, ['volumes']);
    this.#giveWay();
  }

  /**
   * On a machine of its own all pods together weigh as much as all the daemons of the node; here every daemon would weigh as
   * much as all the pods of a node. A node that is started anew is weighed anew.
   */
  weighPods(): void {
    for (const { root, file, usual } of CPU_GROUPS.filter((one) => existsSync(one.root)))
      for (const group of readdirSync(root).filter((name) => name.startsWith('lab-node-')))
        writeFileSync(join(root, group, file), String(DAEMONS_OF_A_NODE * usual));
  }

  /** The maker of volumes runs two kubectl in 0.7 s, which take a sixth of two cores from what is measured. */
  #giveWay(): void {
    const pid = this.#pidOf('volumes');
    setPriority(pid, constants.priority.PRIORITY_LOW);
    // A kernel that groups processes by session compares these groups, by a number of their own.
    const group = `/proc/${pid}/autogroup`;
    if (existsSync(group)) writeFileSync(group, String(constants.priority.PRIORITY_LOW));
  }

  #start(name: string, program: string, args: readonly string[]): void {
    const log = openSync(`${this.#state}/log/${name}.log`, 'a');
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    writeFileSync(this.#pidFile(name), `${child.pid}\n`);
    child.unref();
  }

  #pidOf(name: string): number {
    return Number(readFileSync(this.#pidFile(name), 'utf8'));
  }

  #pidFile(name: string): string {
    return `${this.#state}/log/${name}.pid`;
  }
}

const numberOf = (node: string): string => node.replace(/^node-/, '');

/** A killed process whose parent has not asked for it is a zombie: it runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
