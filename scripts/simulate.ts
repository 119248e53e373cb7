// npm run simulate -- --seed N --steps M [--seeds COUNT] [--minutes M] [--log model] [--trace]: replays one seed, or tries many.
import { parseArgs } from 'node:util';
import type { ScheduleName } from '../test/simulation/schedules.ts';
import { simulate } from '../test/simulation/simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '20000' },
    minutes: { type: 'string' },
    schedule: { type: 'string' },
    log: { type: 'string', default: 'disk' },
    trace: { type: 'boolean', default: false },
  },
});

const steps = Number(values.steps);
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const endMs = values.minutes === undefined ? null : performance.now() + Number(values.minutes) * 60_000;
const startedMs = performance.now();
let total = 0;
let runs = 0;
let failed = 0;

const more = (): boolean => (endMs === null ? runs < Number(values.seeds) : performance.now() < endMs);

while (more()) {
  const seed = first + runs;
  runs += 1;
  try {
    const schedule = values.schedule as ScheduleName | undefined;
    const result = await simulate({
      seed,
      schedule,
      steps,
      log: values.log === 'model' ? 'model' : 'disk',
      trace: values.trace ? console.log : undefined,
    });
    total += result.steps;
    if (endMs === null) console.log(JSON.stringify(result));
  } catch (error) {
    failed += 1;
    console.error((error as Error).message);
  }
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(`${runs} runs, ${failed} failed, ${total} steps in ${seconds.toFixed(1)} s`);
process.exitCode = failed > 0 ? 1 : 0;
