// What was known when: every call that ended makes offsets known (an acknowledgement its records, a read what it calls
// committed), and a call that starts after it must know of them. One sweep over both, in the order of time.
import { Numbers } from '../numbers.ts';

/** Calls that ended: all offsets below `known` are committed since then. `tag` says which call it was. */
export class Sources {
  readonly end = new Numbers();
  readonly known = new Numbers();
  readonly file = new Numbers();
  readonly tag = new Numbers();

  add(end: number, known: number, file: number, tag: number): void {
    this.end.push(end);
    this.known.push(known);
    this.file.push(file);
    this.tag.push(tag);
  }
}

/** Calls that start. */
export class Questions {
  readonly start = new Numbers();
  readonly file = new Numbers();
  readonly tag = new Numbers();

  add(start: number, file: number, tag: number): void {
    this.start.push(start);
    this.file.push(file);
    this.tag.push(tag);
  }
}

export interface Answers {
  /** By question: the highest offset known, 0 if none, and the tag of the source; NaN if none. */
  readonly known: Float64Array;
  readonly tag: Float64Array;
}

/**
 * Sources count that ended before the question started: by any time if both were recorded in one file, by more than
 * `clockSkewMs` if not.
 */
export function knownAt(sources: Sources, questions: Questions, clockSkewMs: number): Answers {
  const size = questions.start.length;
  const answers = { known: new Float64Array(size), tag: new Float64Array(size).fill(Number.NaN) };
  const ends = sources.end.order();
  const starts = questions.start.order();
  sweepAll(sources, questions, ends, starts, clockSkewMs, answers);
  if (clockSkewMs > 0) sweepFiles(sources, questions, ends, starts, answers);
  return answers;
}

function sweepAll(
  { end, known, tag }: Sources,
  { start }: Questions,
  ends: Float64Array,
  starts: Float64Array,
  clockSkewMs: number,
  answers: Answers,
): void {
  let next = 0;
  let best = 0;
  let bestTag = Number.NaN;
  for (const question of starts) {
    const before = start.at(question) - clockSkewMs;
    for (; next < ends.length && end.at(ends[next] as number) < before; next += 1) {
      const source = ends[next] as number;
      if (known.at(source) <= best) continue;
      best = known.at(source);
      bestTag = tag.at(source);
    }
    answers.known[question] = best;
    answers.tag[question] = bestTag;
  }
}

/** Within one file there is one clock: nothing to allow for. */
function sweepFiles(
  { end, known, tag, file }: Sources,
  questions: Questions,
  ends: Float64Array,
  starts: Float64Array,
  answers: Answers,
): void {
  const best = new Map<number, { known: number; tag: number }>();
  let next = 0;
  for (const question of starts) {
    const before = questions.start.at(question);
    for (; next < ends.length && end.at(ends[next] as number) < before; next += 1) {
      const source = ends[next] as number;
      const former = best.get(file.at(source));
      if (!former || known.at(source) > former.known)
        best.set(file.at(source), { known: known.at(source), tag: tag.at(source) });
    }
    const own = best.get(questions.file.at(question));
    if (!own || own.known <= (answers.known[question] as number)) continue;
    answers.known[question] = own.known;
    answers.tag[question] = own.tag;
  }
}
