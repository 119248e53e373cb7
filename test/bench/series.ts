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
    'latency --warmup 20',
    'rate',
    'rate --warmup 20',
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

/** Prints one line a run. When one fails the others still run, but nothing is written to the page. */
export async function runSeries(
  series: string,
  commands: readonly string[],
  { write }: { write: boolean },
): Promise<void> {
  const results: PageResult[] = [];
  for (const command of commands) {
    const startedMs = performance.now();
    const { code, output } = await run(command);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    process.stderr.write(`${command}: ${seconds} s${code === 0 ? '' : `, ended with ${code}: ${output}`}\n`);
    if (code !== 0) continue;
    const result = { series, ...JSON.parse(output) } as PageResult;
    console.log(JSON.stringify(result));
    results.push(result);
  }
  if (results.length < commands.length) process.exitCode = 1;
  else if (write) await writePage(results);
}

async function run(command: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...command.split(' '), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code, output };
}
