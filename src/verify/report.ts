// A report as text: the verdict first, then each kind of anomaly with the calls that show it.
import { ANOMALIES, type Anomaly, type AnomalyKind } from './anomalies.ts';
import type { Report } from './verify.ts';

/** Shown of a kind; `--json` has more. */
const SHOWN_OF_A_KIND = 5;

export function reportText(report: Report): string {
  return [headline(report), '', ...summaryLines(report), ...notesLines(report), ...kindLines(report)]
    .join('\n')
    .concat('\n');
}

const plural = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

function headline({ verdict, counts }: Report): string {
  if (verdict === 'valid') return 'Valid: no anomaly was found.';
  if (verdict === 'unknown')
    return 'Unknown: no anomaly was found, but what was read cannot show that there is none.';
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  return `INVALID: ${total === 1 ? '1 anomaly' : `${total} anomalies`} (${kinds.join(', ')}).`;
}

function summaryLines({ summary }: Report): string[] {
  const { appends, unknownStored, reads, offsets, finals, expired, unread } = summary;
  return [
    `appends   ${appends.ok} acknowledged, ${appends.refused} refused, ${appends.unknown} unknown (${plural(unknownStored, 'record')} of these stored)`,
    `reads     ${reads}, of ${plural(offsets, 'offset')}`,
    ...finals.map(
      ({ logger, from, to, complete }) =>
        `final     ${logger}: offsets ${from} to ${to - 1}${complete ? '' : ', incomplete'}`,
    ),
    ...(expired > 0
      ? [`expired   ${plural(expired, 'acknowledged record')}: taken by retention before a read`]
      : []),
    ...(unread > 0 ? [`unread    ${plural(unread, 'acknowledged record')}`] : []),
  ];
}

const notesLines = ({ notes }: Report): string[] => notes.map((note) => `note      ${note}`);

function kindLines({ anomalies, counts }: Report): string[] {
  return (Object.keys(counts) as AnomalyKind[]).flatMap((kind) => {
    const shown = anomalies.filter((anomaly) => anomaly.kind === kind).slice(0, SHOWN_OF_A_KIND);
    const more = (counts[kind] ?? 0) - shown.length;
    return [
      '',
      `${kind}: ${ANOMALIES[kind]}`,
      ...shown.flatMap(anomalyLines),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ];
  });
}

const anomalyLines = ({ message, evidence }: Anomaly): string[] => [
  `  ${message}`,
  ...evidence.map(({ file, line, text }) => `    ${file}:${line}: ${text}`),
];
