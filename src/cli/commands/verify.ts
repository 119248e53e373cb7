// dlog verify: of histories, or of the log as the loggers have it now. Whatever is not certainly valid ends with 1.
import { reportText, verifyFiles, verifyLive } from '../../verify/index.ts';
import { CliError } from '../cli-error.ts';
import { jsonLine } from '../output.ts';
import type { CommandContext } from '../run.ts';

/** Allowed between two files where nothing else is said: clocks of one machine, read by different processes. */
const DEFAULT_CLOCK_SKEW_MS = 10;

const OTHERS_HINT =
  'do others write to this log too? Give their histories as well, or --others where there are none';

export async function verify({ invocation, options, terminal }: CommandContext): Promise<void> {
  const { operands, client, timeoutMs } = invocation;
  const { clockSkewMs, others } = invocation.verify;
  const report =
    operands.length > 0
      ? await verifyFiles(operands, {
          clockSkewMs: clockSkewMs ?? (operands.length > 1 ? DEFAULT_CLOCK_SKEW_MS : 0),
          others,
          input: terminal.input,
        })
      : await verifyLive({
          ...client,
          loggers: [client.target ?? []].flat(),
          ...(options.onRetry && { onRetry: options.onRetry }),
          timeoutMs,
          signal: terminal.signal,
        });
  terminal.out(invocation.json ? jsonLine(report) : reportText(report));
  if (report.verdict !== 'valid')
    throw new CliError('log-not-valid', `the log is not shown to be right: ${report.verdict}`, {
      ...(Object.keys(report.counts).join() === 'phantom' && { hint: OTHERS_HINT }),
    });
}
