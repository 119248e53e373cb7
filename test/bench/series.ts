// Works one after another for the page docs/reference/performance.md. Each runs in a process of its own, as a command of its own would:
// no run finds the heap, or the code that V8 has compiled, of the one before.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { PageResult } from './page.ts';
import { writePage } from './page-files.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const each = (command: string, values: readonly number[]): string[] =>
  values.map((value) => `${command} ${value}`);

export const SERIES: Readonly<Record<string, readonly string[]>> = {
  figures: [
    'throughput',
    'throughput --size 100',
    'latency',
    'rate',
    'http',
    'fanout',
    'failover --signal SIGTERM',
    'failover --signal SIGKILL',
    'idle',
    'recovery',
    'overload',
  ],
  scale: [
    ...each('length --seconds 2 --records', [100_000, 1_000_000, 10_000_000]),
    ...each('throughput --seconds 5 --size', [100, 1024, 4096, 16_384, 65_536]),
    ...each('latency --seconds 3 --size', [100, 1024, 4096, 16_384, 65_536]),
    ...each('fanout --seconds 5 --readers', [1, 10, 100]),
    ...each('throughput --seconds 5 --members', [1, 5]),
    ...each('latency --seconds 3 --members', [1, 5]),
    ...each('throughput --seconds 5 --producers', [4, 16]),
  ],
};

/** Prints one line a run. Nothing is written to the page when one of them fails. */
export async function runSeries(
  series: string,
  commands: readonly string[],
  { write }: { write: boolean },
): Promise<void> {
  const results: PageResult[] = [];
  for (const command of commands) {
    const startedMs = performance.now();
    const result = { series, ...(await run(command)) };
    process.stderr.write(`${command}: ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
    console.log(JSON.stringify(result));
    results.push(result);
  }
  if (write) await writePage(results);
}

async function run(command: string): Promise<Omit<PageResult, 'series'>> {
  const child = spawn(process.execPath, [MAIN, ...command.split(' '), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`);
  return JSON.parse(output) as PageResult;
}
