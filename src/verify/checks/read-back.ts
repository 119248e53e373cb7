// The commit of each logger never falls, whoever asks it: a read that begins after another one ended is told as much or more.
// Except where the logger lost its disk in between, which an event line tells.
import { NONE } from '../codes.ts';
import type { Recorded } from '../record.ts';
import { knownAt, Questions, Sources } from './horizon.ts';

export function checkReadBack(recorded: Recorded, clockSkewMs: number): void {
  for (const reads of readsByLife(recorded).values()) checkOne(recorded, reads, clockSkewMs);
}

/** Local reads that tell a commit, by logger and by how often it had lost its disk when they began and ended. */
function readsByLife({ reads, events, names }: Recorded): Map<string, number[]> {
  const forgotten = new Map<number, number[]>();
  for (const { forgets = [], time } of events)
    for (const logger of forgets.map((url) => names.number(url)))
      forgotten.set(logger, [...(forgotten.get(logger) ?? []), time]);
  const lives = new Map<string, number[]>();
  for (let at = 0; at < reads.line.length; at += 1) {
    if (reads.linearizable.at(at) === 1 || reads.commit.at(at) === NONE || reads.end.at(at) === NONE)
      continue;
    const logger = reads.logger.at(at);
    const times = forgotten.get(logger) ?? [];
    const life = (time: number): number => times.filter((lost) => lost <= time).length;
    // One that was under way when the disk was lost may tell of either life.
    if (life(reads.start.at(at)) !== life(reads.end.at(at))) continue;
    const key = `${logger} ${life(reads.start.at(at))}`;
    const list = lives.get(key);
    if (list) list.push(at);
    else lives.set(key, [at]);
  }
  return lives;
}

function checkOne(recorded: Recorded, list: readonly number[], clockSkewMs: number): void {
  const { reads, findings, names } = recorded;
  const sources = new Sources();
  const questions = new Questions();
  for (const at of list) {
    sources.add(reads.end.at(at), reads.commit.at(at), reads.file.at(at), at);
    questions.add(reads.start.at(at), reads.file.at(at), at);
  }
  const { known, tag } = knownAt(sources, questions, clockSkewMs);
  for (const [question, at] of list.entries()) {
    const before = known[question] as number;
    const commit = reads.commit.at(at);
    if (commit >= before) continue;
    findings.add(
      'read-back',
      `the commit of ${names.text(reads.logger.at(at))} fell from ${before} to ${commit}`,
      () => [recorded.readEvidence(tag[question] as number), recorded.readEvidence(at)],
    );
  }
}
