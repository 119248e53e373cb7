// dlog load: a workload whose every call is recorded, until the time is over or it is told to end; either is the orderly end.
import { fileSink, load as runLoad, type Sink, type SummaryLine } from '../../verify/index.ts';
import { jsonLine } from '../output.ts';
import type { CommandContext } from '../run.ts';

const MS_PER_SECOND = 1000;

export async function load({ invocation, terminal }: CommandContext): Promise<void> {
  const { history, final, ...wanted } = invocation.load;
  const { target = [], consul, ...access } = invocation.client;
  const finalTimeoutMs = final ? invocation.timeoutMs : 0;
  const options = {
    ...wanted,
    targets: [target].flat().map((url) => url.replace(/\/$/, '')),
    finalTimeoutMs,
  };
  // Stdout is written synchronously where it is a file or a pipe, so it holds nothing back.
  const sink: Sink = history
    ? fileSink(history)
    : { write: (text) => void terminal.out(text), close: () => {} };
  try {
    const summary = await runLoad(options, sink, terminal.signal, access);
    for (const line of summaryLines(summary)) terminal.note(line);
    if (invocation.json && history) terminal.out(jsonLine(summary));
  } finally {
    sink.close();
  }
}

const seconds = (ms: number): string => `${(ms / MS_PER_SECOND).toFixed(3)} s`;

const summaryLines = ({ start, end, appends, reads, gaps }: SummaryLine): string[] => [
  `${seconds(end - start)}: appends ${appends.ok} acknowledged, ${appends.refused} refused, ${appends.unknown} unknown; reads ${reads.ok} answered, ${reads.refused} refused, ${reads.unknown} unknown`,
  ...gaps.map(
    ({ process, from, ms }) =>
      `${process}: longest time without an acknowledgement ${seconds(ms)}, from ${new Date(from).toISOString()}`,
  ),
];
