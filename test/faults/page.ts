// docs/reference/faults.md: what the suite has shown, as a page. Of several runs of one fault the longest times are told.
import type { Fault, Goal } from './fault.ts';
import type { Result } from './result.ts';

export interface Measurement {
  /** When it was begun, as ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly command: string;
  readonly results: readonly Result[];
}

const MS_PER_SECOND = 1000;

const time = (ms: number): string =>
  ms < MS_PER_SECOND ? `${Math.round(ms)} ms` : `${(ms / MS_PER_SECOND).toFixed(2)} s`;
const optionalTime = (ms: number | null): string => (ms === null ? '' : time(ms));
const most = (values: readonly (number | null)[]): number | null => {
  const given = values.filter((value) => value !== null);
  return given.length === 0 ? null : Math.max(...given);
};
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Of one fault, over all its runs. */
interface Row {
  readonly fault: Fault;
  readonly runs: readonly Result[];
  readonly worst: Result;
  readonly failed: number;
  readonly missed: boolean;
}

function rowsOf(faults: readonly Fault[], results: readonly Result[]): Row[] {
  return faults.flatMap((fault) => {
    const runs = results.filter((result) => result.fault === fault.name);
    const [first] = runs;
    if (first === undefined) return [];
    const worst = runs.reduce((longest, run) => (run.gapMs > longest.gapMs ? run : longest), first);
    const failed = runs.reduce((total, run) => total + sum(run.failed), 0);
    return [{ fault, runs, worst, failed, missed: isMissed(fault.goal, worst.gapMs, failed) }];
  });
}

const isMissed = (goal: Goal | undefined, gapMs: number, failed: number): boolean =>
  goal !== undefined && (gapMs > goal.gapMs || (goal.noFailure === true && failed > 0));

const goalText = (goal: Goal | undefined): string => (goal === undefined ? '' : time(goal.gapMs));

function tableRow({ fault, runs, worst, failed, missed }: Row): string {
  const gaps = runs.map(({ gapMs }) => gapMs).toSorted((a, b) => a - b);
  const median = gaps[Math.floor((gaps.length - 1) / 2)] as number;
  const gap = runs.length === 1 ? time(median) : `${time(median)}, ${time(worst.gapMs)}`;
  const cells = [
    fault.name,
    runs.length,
    missed ? `**${gap}**` : gap,
    goalText(fault.goal),
    failed,
    optionalTime(most(runs.map(({ budget }) => budget?.routedMs ?? null))),
    optionalTime(most(runs.map(({ plainGapMs }) => plainGapMs))),
    runs.reduce((total, { acknowledged }) => total + acknowledged, 0).toLocaleString('en'),
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  '| fault | runs | gap (median, longest) | goal | failed | label and route | plain client | acknowledged |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
];

const table = (rows: readonly Row[]): string => [...HEAD, ...rows.map(tableRow)].join('\n');

function budgetRow({ fault, runs }: Row): string[] {
  return runs.flatMap(({ budget, gapMs, gapAfterMs }) => {
    if (budget === null) return [];
    const { leadingMs, labelledMs, routedMs } = budget;
    // The longest gap may be another one than the takeover's: that of a later handover, or of the healing.
    if (leadingMs < gapAfterMs || leadingMs > gapAfterMs + gapMs) return [];
    const { voteMs = null, registerMs = null, promiseMs = null } = budget.steps ?? {};
    const noticedMs =
      budget.steps && leadingMs - budget.steps.voteMs - budget.steps.registerMs - budget.steps.promiseMs;
    const election = [noticedMs, voteMs, registerMs, promiseMs];
    const cells = [gapAfterMs, ...election, leadingMs, gapAfterMs + gapMs, labelledMs, routedMs];
    return [`| ${fault.name} | ${cells.map(optionalTime).join(' | ')} |`];
  });
}

function budgets(rows: readonly Row[]): string {
  return [
    '| fault | last acknowledgement before | noticed | vote | Consul | promises | another led | next acknowledgement | label | Service routes to it alone |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.filter(({ fault }) => fault.goal !== undefined).flatMap(budgetRow),
  ].join('\n');
}

function verdict(results: readonly Result[]): string {
  const acknowledged = results.reduce((total, one) => total + one.acknowledged, 0).toLocaleString('en');
  const wrong = results.filter((result) => result.verdict !== 'valid');
  if (wrong.length > 0)
    return `**The history was not valid in: ${wrong.map(({ fault }) => fault).join(', ')}.**`;
  return `**${acknowledged} appends acknowledged: 0 lost, 0 twice, 0 out of order**, in ${results.length} recorded histories.`;
}

/** `faults` and `pairs` give the order; those that were not measured are named as such. */
export function renderPage(
  { date, machine, command, results }: Measurement,
  faults: readonly Fault[],
  pairs: readonly Fault[],
): string {
  const single = rowsOf(faults, results);
  const paired = rowsOf(pairs, results);
  const missing = [...faults, ...pairs].filter(({ name }) => !results.some(({ fault }) => fault === name));
  return `# Faults

What a producer notices of faults on a real cluster. Measured by \`${command}\`, which writes this page, from ${date} UTC on;
${machine}.

${verdict(results)}

For each fault the chart is whole and under load: on every node an exactly-once producer, 50 appends a second, that knows the
\`leader\` Service alone, and on one node readers of every logger and a plain client. The fault is made, stands, is healed; when all is
whole again the log is read from every logger, and the whole recorded history is checked by [\`dlog verify\`](verify.md).
Nodes that share one machine compete as nodes of their own would not: there the pods of a node get as much of the processors as
all its daemons together, so they do here, whereas each daemon would get as much as they.

- *Gap*: the longest time between two successive acknowledgements of one producer that the fault itself does not touch, from the fault
  until three seconds after all was whole again. Without a fault it is about 20 ms, the time between two appends. **Bold**: the goal was missed.
- *Failed*: appends that the client gave up, after its retries within 10 s.
- *Label and route*: from the fault until exactly one pod carried the leader label and the Service's EndpointSlice had it alone, for good; for a
  rolling restart, until the last of its handovers.
- *Plain client*: the same gap of a client that knows nothing but the Service, repeats nothing and waits 10 s for an answer.

## Each alone

${table(single)}

## In pairs

${paired.length === 0 ? 'Not measured.' : table(paired)}

## Where the time goes

After the fault, run by run. *Noticed* is when the winner knew that its leader was lost, or had been named by it; the *vote* among the
loggers, *Consul*'s answer to the write of the register and the *promises* of a majority come one after the other and end when *another led*,
each as long as the winner's own log says. Between *another led* and the *next acknowledgement* lie the client's way to the new leader, by the loggers' own
addresses, and the first append there; label and Service are beside that way. A run whose longest gap was not the takeover's is left out.
Where a pod ends, the kubelet's work and, in a rollout, pods that have just started share few cores with the takeover: a node that
is cut off, where nothing ends or starts, shows the same takeover without that.

${budgets(single)}
${missing.length === 0 ? '' : `\n## Not measured\n\n${missing.map(({ name }) => `- ${name}`).join('\n')}\n`}`;
}
