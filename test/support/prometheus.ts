// A real Prometheus for one test: on a free port, with its data in a temporary directory; ended and deleted after the test.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { findPrometheus, findPromtool } from '../../scripts/tools/index.ts';
import { guardChild } from '../../src/stack/consul-guard.ts';
import { freePorts } from '../../src/stack/consul-ports.ts';
import { eventually } from './eventually.ts';
import type { Owner } from './loggers.ts';

const INTERVAL = '500ms';
const CALL_TIMEOUT_MS = 5000;

export interface Target {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** In time order; NaN where a query came to nothing. */
  readonly values: readonly number[];
}

export class Prometheus {
  readonly url: string;

  private constructor(url: string) {
    this.url = url;
  }

  /** Starts to scrape the targets, whose label `job` names their job, and to evaluate the rules; both twice a second. */
  static async start(owner: Owner, targets: readonly Target[], rules: string): Promise<Prometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-prometheus-'));
    await writeFile(join(directory, 'rules.yaml'), rules);
    await writeFile(join(directory, 'prometheus.yaml'), stringify(configOf(targets)));
    const [port] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const child = spawn(
      await findPrometheus(),
      [
        `--config.file=${join(directory, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory },
    );
    const said: string[] = [];
    child.stderr?.on('data', (chunk: Buffer) => void said.push(chunk.toString()));
    const lift = child.pid === undefined ? () => {} : guardChild(child.pid);
    owner.after(async () => {
      await ended(child);
      lift();
      await rm(directory, { recursive: true, force: true });
    });
    await eventually('Prometheus is ready', async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended: ${said.join('')}`);
      const ready = await fetch(`${url}/-/ready`).catch(() => null);
      return ready?.ok || null;
    });
    return new Prometheus(url);
  }

  /** Rejects with what Prometheus says when the query is wrong. */
  async query(expr: string): Promise<Series[]> {
    const { result } = await this.#get<{ result: { metric: Series['metric']; value: [number, string] }[] }>(
      'query',
      { query: expr },
    );
    return result.map(({ metric, value }) => ({ metric, values: [Number(value[1])] }));
  }

  /** What a panel draws of the last `seconds`. */
  async queryRange(expr: string, seconds: number): Promise<Series[]> {
    const end = Date.now() / 1000;
    const { result } = await this.#get<{
      result: { metric: Series['metric']; values: [number, string][] }[];
    }>('query_range', { query: expr, start: String(end - seconds), end: String(end), step: '1' });
    return result.map(({ metric, values }) => ({ metric, values: values.map(([, value]) => Number(value)) }));
  }

  async alerts(): Promise<FiringAlert[]> {
    return (await this.#get<{ alerts: FiringAlert[] }>('alerts', {})).alerts;
  }

  async #get<T>(what: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${what}?${new URLSearchParams(parameters)}`, {
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  }
}

function configOf(targets: readonly Target[]): object {
  const jobs = Map.groupBy(targets, ({ labels }) => labels.job ?? '');
  return {
    global: { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: ['rules.yaml'],
    scrape_configs: [...jobs].map(([job_name, members]) => ({
      job_name,
      static_configs: members.map(({ address, labels }) => ({ targets: [address], labels })),
    })),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Runs promtool; rejects with all that it said when it finds fault. */
export async function promtool(parameters: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)(await findPromtool(), [...parameters]);
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`promtool ${parameters.join(' ')}: ${stdout}${stderr}` || message, { cause: error });
  }
}
