// Correct histories at random: a log that exists once, in the model, loggers that know a prefix of it, and clients whose calls
// begin, take effect and end at moments of their own. Whatever comes out is right by construction.
import type { AppendCall, HistoryLine, ReadCall, ReadRow } from '../../src/verify/index.ts';
import { header, LOGGER, OTHER } from './history.ts';

interface Pending {
  readonly call: AppendCall;
  /** Null until it takes effect. */
  offset: number | null;
  epoch: number;
  ended: boolean;
}

const PROCESSES = ['p', 'q', 'a'] as const;
const EXACTLY_ONCE: readonly string[] = ['p', 'q'];
const PAGE = 4;

/** Each choice is one step: what is done, and by whom. */
export function historyOf(choices: readonly number[]): HistoryLine[] {
  return new Model().run(choices);
}

class Model {
  readonly #lines: HistoryLine[] = [header()];
  readonly #log: ReadRow[] = [];
  readonly #commits = new Map([
    [LOGGER, 0],
    [OTHER, 0],
  ]);
  readonly #pending: Pending[] = [];
  readonly #calls = new Map<string, number>();
  #now = 1;
  #epoch = 1;

  run(choices: readonly number[]): HistoryLine[] {
    for (const choice of choices) this.#step(choice % 8, Math.floor(choice / 8));
    this.#settle();
    for (const [index, logger] of [LOGGER, OTHER].entries()) this.#final(`f${index}`, logger);
    return this.#lines;
  }

  #step(what: number, whom: number): void {
    this.#now += 1;
    if (what === 0) this.#begin(PROCESSES[whom % 3] as string, 1 + (whom % 2));
    else if (what === 1) this.#takeEffect(whom);
    else if (what === 2) this.#end(whom);
    else if (what === 3) this.#giveUp(whom);
    else if (what === 4) this.#catchUp(whom % 2 === 0 ? LOGGER : OTHER, 1 + (whom % 5));
    else if (what === 5) this.#readLocal(whom % 2 === 0 ? LOGGER : OTHER, whom);
    else if (what === 6) this.#readLinearizable();
    else if (whom % 4 === 0) this.#epoch += 1;
    else this.#refuse(PROCESSES[whom % 3] as string);
  }

  #nextCall(process: string): number {
    const call = this.#calls.get(process) ?? 1;
    this.#calls.set(process, call + 1);
    return call;
  }

  #append(process: string, size: number): AppendCall {
    const call = this.#nextCall(process);
    const values = Array.from({ length: size }, (_, index) => `${process}:${call}.${index}`);
    const exactlyOnce = EXACTLY_ONCE.includes(process);
    return {
      type: 'append',
      process,
      call,
      start: this.#now,
      end: null,
      outcome: 'unknown',
      values,
      ...(exactlyOnce && { producer: process }),
    };
  }

  #begin(process: string, size: number): void {
    this.#pending.push({ call: this.#append(process, size), offset: null, epoch: 0, ended: false });
  }

  /** A producer's calls take effect in their order; what stands before one without effect then never has one. */
  #takeEffect(whom: number): void {
    const open = this.#pending.filter(({ offset }) => offset === null);
    const one = open[whom % Math.max(1, open.length)];
    if (!one) return;
    const { process, producer } = one.call;
    if (producer !== undefined)
      for (const earlier of open)
        if (earlier.call.process === process && earlier.call.call < one.call.call) this.#drop(earlier);
    one.offset = this.#log.length;
    one.epoch = this.#epoch;
    for (const value of one.call.values) this.#log.push([this.#log.length, value, this.#epoch]);
  }

  #drop(one: Pending): void {
    if (!one.ended) this.#lines.push({ ...one.call, end: this.#now });
    this.#pending.splice(this.#pending.indexOf(one), 1);
  }

  #end(whom: number): void {
    const done = this.#pending.filter(({ offset, ended }) => offset !== null && !ended);
    const one = done[whom % Math.max(1, done.length)];
    if (!one) return;
    const { call, epoch } = one;
    const offset = one.offset as number;
    this.#lines.push({ ...call, end: this.#now, outcome: 'ok', offset, count: call.values.length, epoch });
    this.#pending.splice(this.#pending.indexOf(one), 1);
  }

  /** Its caller waits no longer; it may take effect later, once, or never. */
  #giveUp(whom: number): void {
    const open = this.#pending.filter(({ ended }) => !ended);
    const one = open[whom % Math.max(1, open.length)];
    if (!one) return;
    one.ended = true;
    this.#lines.push({ ...one.call, end: whom % 3 === 0 ? null : this.#now, code: 'timeout' });
  }

  #refuse(process: string): void {
    const call = this.#append(process, 1);
    this.#now += 1;
    this.#lines.push({ ...call, end: this.#now, outcome: 'refused', code: 'no-leader' });
  }

  #catchUp(logger: string, count: number): void {
    const commit = this.#commits.get(logger) ?? 0;
    this.#commits.set(logger, Math.min(this.#log.length, commit + count));
  }

  #readLocal(logger: string, whom: number): void {
    const commit = this.#commits.get(logger) ?? 0;
    this.#read('r', logger, 'local', commit === 0 ? 0 : whom % (commit + 1), commit);
  }

  #readLinearizable(): void {
    const commit = this.#log.length;
    this.#read('l', LOGGER, 'linearizable', Math.max(0, commit - PAGE), commit);
  }

  #read(
    process: string,
    logger: string,
    consistency: ReadCall['consistency'],
    offset: number,
    commit: number,
  ): ReadRow[] {
    const start = this.#now;
    this.#now += 1;
    const records = this.#log.slice(offset, Math.min(commit, offset + PAGE));
    const call = this.#nextCall(process);
    this.#lines.push({
      type: 'read',
      process,
      call,
      start,
      end: this.#now,
      outcome: 'ok',
      logger,
      consistency,
      offset,
      records,
      commit,
    });
    return records;
  }

  /** All is over: at least one append is acknowledged, the rest is left unknown. */
  #settle(): void {
    this.#now += 1;
    this.#begin('a', 1);
    const last = this.#pending.at(-1) as Pending;
    this.#takeEffect(this.#pending.filter(({ offset }) => offset === null).indexOf(last));
    this.#now += 1;
    for (const one of [...this.#pending])
      if (one !== last && !one.ended) this.#lines.push({ ...one.call, end: this.#now });
    this.#pending.splice(0, this.#pending.length, last);
    this.#end(0);
    for (const logger of this.#commits.keys()) this.#commits.set(logger, this.#log.length);
  }

  #final(process: string, logger: string): void {
    this.#now += 1;
    const start = this.#now;
    let next = 0;
    while (next < this.#log.length) {
      next += this.#read(process, logger, 'local', next, this.#log.length).length;
      this.#now += 1;
    }
    this.#lines.push({
      type: 'final',
      process,
      logger,
      start,
      end: this.#now,
      from: 0,
      to: next,
      complete: true,
    });
  }
}
