// A call as one line for people: who, what, when, and what came of it.
import { NONE, OUTCOMES } from './codes.ts';
import type { Recorded } from './record.ts';

/** `12:00:01.123`, in UTC: enough to find the moment in the loggers' own lines. */
export const clockTime = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

const span = (start: number, end: number): string =>
  `${clockTime(start)} to ${end === NONE ? 'never' : clockTime(end)}`;

export function describeAppend({ appends, sent, values, names }: Recorded, at: number): string {
  const first = values.text(sent.at(appends.firstSent.at(at)));
  const size = appends.size.at(at);
  const what = size === 1 ? JSON.stringify(first) : `${JSON.stringify(first)} and ${size - 1} more`;
  const outcome = OUTCOMES[appends.outcome.at(at)] as string;
  const result =
    outcome === 'ok'
      ? `acknowledged at offset ${appends.offset.at(at)}, epoch ${appends.epoch.at(at)}`
      : outcome;
  return `${names.text(appends.process.at(at))} appends ${what}, ${span(appends.start.at(at), appends.end.at(at))}: ${result}`;
}

export function describeRead({ reads, names }: Recorded, at: number): string {
  const kind = reads.linearizable.at(at) === 1 ? 'reads (linearizable)' : 'reads';
  const asked = reads.asked.at(at);
  const from = asked === NONE ? '' : ` from ${asked}`;
  const first = reads.first.at(at);
  const got = first === NONE ? 'no records' : `records ${first} to ${reads.next.at(at) - 1}`;
  const commit = reads.commit.at(at);
  const outcome = OUTCOMES[reads.outcome.at(at)] as string;
  return `${names.text(reads.process.at(at))} ${kind}${from} at ${names.text(reads.logger.at(at))}, ${span(reads.start.at(at), reads.end.at(at))}: ${outcome}, ${got}${commit === NONE ? '' : `, commit ${commit}`}`;
}
