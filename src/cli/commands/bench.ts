// dlog bench: writes records for a while, says how fast they were acknowledged, and reads them back. It asks first, since what
// is written stays.
import { randomBytes } from 'node:crypto';
import { type BenchResult, benchTable, resultOf } from '../bench/bench-result.ts';
import { BenchRun } from '../bench/bench-run.ts';
import { readBack } from '../bench/read-back.ts';
import { CliError } from '../cli-error.ts';
import { jsonLine } from '../output.ts';
import { Progress } from '../progress.ts';
import { type CommandContext, deadlineOf } from '../run.ts';
import { grouped } from '../status-line.ts';

export async function bench(context: CommandContext): Promise<void> {
  const { invocation, terminal, options } = context;
  const { sizeBytes, seconds } = invocation.bench;
  await confirm(context);
  const run = randomBytes(4).toString('hex');
  let retries = 0;
  const { onRetry } = options;
  const client: typeof options = {
    ...options,
    onRetry: (retry) => {
      retries += 1;
      onRetry?.(retry);
    },
  };
  const progress =
    terminal.progress &&
    new Progress(terminal.progress, {
      part: (_, elapsedMs) => elapsedMs / (seconds * 1000),
      more: () => `p99 ${(benching.latencyUs.percentile(99) / 1000).toFixed(1)} ms`,
    });
  const benching = new BenchRun({
    client,
    bench: invocation.bench,
    timeoutMs: invocation.timeoutMs,
    signal: terminal.signal,
    run,
    onAcknowledged: () => progress?.advance({ records: 1, bytes: sizeBytes }),
  });
  try {
    await benching.run();
  } finally {
    progress?.end();
  }
  if (terminal.progress) terminal.note('Reading back what was acknowledged…');
  const check = { run, sizeBytes, signal: () => deadlineOf(context) };
  const checked = await readBack(context.client, benching.acknowledged, check);
  const result = resultOf(benching, invocation.bench, checked, retries);
  terminal.out(invocation.json ? jsonLine(result) : benchTable(result));
  judge(result);
}

/** Says what is going to happen, and to which log; rejects unless that is wanted. */
async function confirm(context: CommandContext): Promise<void> {
  const { client, invocation, terminal } = context;
  const { yes, sizeBytes, seconds, producers, ratePerSecond } = invocation.bench;
  const { cluster, leader } = await client.status({ signal: deadlineOf(context) });
  const howMany =
    ratePerSecond === null
      ? 'as many records as it takes'
      : `${grouped(producers * seconds * ratePerSecond)} records`;
  const where = `the log of the cluster ${cluster}${leader ? `, led by ${leader.id}` : ''}`;
  const what = `This writes ${howMany} of ${sizeBytes} bytes within ${seconds} s into ${where}. They stay there.`;
  if (yes) {
    if (terminal.progress) terminal.note(what);
    return;
  }
  if (terminal.confirm !== null && (await terminal.confirm(`${what} Go on?`))) return;
  throw new CliError('not-confirmed', terminal.confirm === null ? what : 'nothing was written');
}

function judge({ check: { lost, repeated, misplaced } }: BenchResult): void {
  if (lost + repeated + misplaced === 0) return;
  const wrong = `${lost} lost, ${repeated} repeated or out of order, ${misplaced} at another offset`;
  throw new CliError('offsets-wrong', `acknowledged records are not in the log as they should be: ${wrong}`);
}
