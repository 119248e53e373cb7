// Who carries the leader label and where the leader Service routes to, as the API server's watches tell it, with the time of
// each change: how long a fault leaves the cluster's own view of the leader wrong.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { EPOCH_ANNOTATION, ROLE_LABEL } from '../../src/kubernetes/index.ts';
import { historyNow } from '../../src/verify/index.ts';
import type { Namespace } from '../support/cluster.ts';
import { LOGGERS, NAME } from '../support/kube-stack.ts';

const AGAIN_MS = 500;

interface Labelled {
  readonly role: string;
  readonly epoch: number;
}

/** The one labelled pod, where the Service routes to it alone; else null. */
interface Agreed {
  readonly atMs: number;
  readonly leader: { readonly pod: string; readonly epoch: number } | null;
}

export class Routes implements AsyncDisposable {
  readonly #pods = new Map<string, Labelled>();
  #slice: readonly string[] = [];
  readonly #changes: Agreed[] = [];
  readonly #labels: { readonly atMs: number; readonly epoch: number }[] = [];
  readonly #watches: Watch[];

  constructor(namespace: Namespace) {
    const role = `{{index .metadata.labels "${ROLE_LABEL}"}}`;
    const epoch = `{{with .metadata.annotations}}{{index . "${EPOCH_ANNOTATION}"}}{{end}}`;
    this.#watches = [
      new Watch(
        namespace,
        ['pods', `--selector=${LOGGERS}`, '--output-watch-events'],
        `{{.type}} {{with .object}}{{.metadata.name}} ${role} ${epoch}{{end}}{{"\\n"}}`,
        (line) => this.#onPod(line.split(' ')),
      ),
      new Watch(
        namespace,
        ['endpointslices', `--selector=kubernetes.io/service-name=${NAME}-leader`],
        '{{range .endpoints}}{{if .conditions.ready}}{{.targetRef.name}} {{end}}{{end}}{{"\\n"}}',
        (line) => {
          this.#slice = line.split(' ').filter((name) => name !== '');
          this.#changed();
        },
      ),
    ];
  }

  /** The pod that alone carries the label and is routed to, now; null when there is none. */
  get agreed(): string | null {
    return this.#changes.at(-1)?.leader?.pod ?? null;
  }

  /**
   * How long after `sinceMs` one pod of an epoch above `epoch` carried the label and the Service routed to it alone, for good;
   * null when that has not come about.
   */
  settledMs(sinceMs: number, epoch: number): number | null {
    const last = this.#changes.at(-1)?.leader;
    if (!last || last.epoch <= epoch) return null;
    let since: number | null = null;
    for (const { atMs, leader } of this.#changes.toReversed()) {
      if (leader?.pod !== last.pod || leader.epoch !== last.epoch) break;
      since = atMs;
    }
    return since === null ? null : Math.max(0, since - sinceMs);
  }

  /** When a pod first carried the label for an epoch above `epoch`; null when none did. */
  labelledMs(sinceMs: number, epoch: number): number | null {
    const first = this.#labels.find((label) => label.epoch > epoch && label.atMs >= sinceMs);
    return first ? first.atMs - sinceMs : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  #onPod([type, name, role, epoch]: readonly string[]): void {
    if (name === undefined) return;
    if (type === 'DELETED') this.#pods.delete(name);
    else this.#pods.set(name, { role: role ?? '', epoch: Number(epoch) || 0 });
    if (role === 'leader') this.#labels.push({ atMs: historyNow(), epoch: Number(epoch) || 0 });
    this.#changed();
  }

  #changed(): void {
    const labelled = [...this.#pods].filter(([, { role }]) => role === 'leader');
    const [only] = labelled;
    const agreed = labelled.length === 1 && only && this.#slice.length === 1 && this.#slice[0] === only[0];
    const leader = agreed ? { pod: only[0], epoch: only[1].epoch } : null;
    this.#changes.push({ atMs: historyNow(), leader });
  }
}

/** A watch that is begun anew whenever it ends: the API server may be away. */
class Watch {
  readonly #args: readonly string[];
  readonly #onLine: (line: string) => void;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(
    namespace: Namespace,
    what: readonly string[],
    template: string,
    onLine: (line: string) => void,
  ) {
    this.#args = [
      '--namespace',
      namespace.name,
      'get',
      ...what,
      '--watch',
      '--output',
      `go-template=${template}`,
    ];
    this.#onLine = onLine;
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    const closed = once(child, 'close');
    child.kill();
    await closed;
  }

  #begin(): void {
    const child = spawn('kubectl', this.#args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    createInterface(child.stdout).on('line', (line) => this.#onLine(line));
    child.once('close', () => {
      this.#child = null;
      if (!this.#stopped) this.#timer = setTimeout(() => this.#begin(), AGAIN_MS);
    });
  }
}
