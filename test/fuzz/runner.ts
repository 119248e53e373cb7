// Runs a target's cases one after the other, shrinks the first that fails and says how to run exactly that one again. What
// nobody waits for counts too: an exception that would have ended a logger's process fails the case during which it came.
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { AnyTarget, Rig } from './target.ts';

/** So wide that only a hang passes it. */
const CASE_DEADLINE_MS = 15_000;
const STEP_MS = 100;
/** Shrinking is a service to whoever reads the failure; it ends here with what it has. */
const SHRINK_MS = 10_000;
const SHOWN_CHARS = 3000;

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  /** Where a failing case lies below its seed, as a failure prints it: only that case is run. */
  readonly path?: string | undefined;
}

/** Resolves with the number of cases run. Rejects with the seed, the command that replays the case, and the case. */
export async function fuzz(target: AnyTarget, { seed, cases, path }: FuzzOptions): Promise<number> {
  const strays = new Strays();
  let rig: Rig<unknown> | null = null;
  let failedMs: number | null = null;
  let ran = 0;
  const property = fc.asyncProperty(target.cases, async (one) => {
    if (failedMs !== null && performance.now() - failedMs > SHRINK_MS) return;
    ran += 1;
    rig ??= await target.open();
    try {
      await withinDeadline(rig.run(one));
      strays.check();
    } catch (error) {
      failedMs ??= performance.now();
      const broken = rig;
      rig = null;
      await withinDeadline(broken.close()).catch(() => {});
      strays.forget();
      throw error;
    }
  });
  try {
    const details = await fc.check(property, {
      seed,
      numRuns: path === undefined ? cases : 1,
      ...(path !== undefined && { path, endOnFailure: true }),
    });
    if (details.failed) throw failure(target, details);
  } finally {
    strays.end();
    const last = rig as Rig<unknown> | null;
    if (last) await withinDeadline(last.close());
  }
  return ran;
}

function failure({ name }: AnyTarget, details: fc.RunDetails<[unknown]>): Error {
  const { seed, counterexample, counterexamplePath, errorInstance, numShrinks } = details;
  const shown = fc.stringify(counterexample?.[0]);
  return new Error(
    [
      `${name}: a case of seed ${seed} fails, after ${numShrinks} steps to a smaller one`,
      `replay: npm run fuzz -- --target ${name} --seed ${seed} --path ${counterexamplePath}`,
      `case: ${shown.length > SHOWN_CHARS ? `${shown.slice(0, SHOWN_CHARS)}… (${shown.length} characters)` : shown}`,
      inspect(errorInstance),
    ].join('\n'),
    { cause: errorInstance },
  );
}

/** Counted in short steps, so that a machine that stood still meanwhile is no hang. */
async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let stepsLeft = CASE_DEADLINE_MS / STEP_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      stepsLeft -= 1;
      if (stepsLeft < 0) reject(new Error(`nothing came of it in ${CASE_DEADLINE_MS} ms: it hangs`));
    }, STEP_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearInterval(timer);
  }
}

/** Exceptions and rejections that nobody caught. */
class Strays {
  #seen: unknown[] = [];
  readonly #note = (error: unknown): void => void this.#seen.push(error);

  constructor() {
    process.on('uncaughtException', this.#note).on('unhandledRejection', this.#note);
  }

  check(): void {
    if (this.#seen.length === 0) return;
    const [first] = this.#seen;
    this.#seen = [];
    throw new Error('an exception that nobody caught: a logger would have ended', { cause: first });
  }

  forget(): void {
    this.#seen = [];
  }

  end(): void {
    process.off('uncaughtException', this.#note).off('unhandledRejection', this.#note);
  }
}
