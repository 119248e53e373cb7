// `npm run test:soak -- --minutes 30 [--seed N]`: faults by chance, one or two at a time, each under load with its history checked,
// so that memory for the check is bounded by a round. Between rounds every logger is asked for its memory, open files and lag: they
// must not grow. In the end all logs are compared record by record.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { Random } from '../support/random.ts';
import { Arena } from './arena.ts';
import { Gauges } from './gauges.ts';
import { FAULTS } from './nemesis/index.ts';
import { randomFault } from './random.ts';
import { healStanding, runFault } from './run-fault.ts';

const MS_PER_MINUTE = 60_000;
const SEEDS = 2 ** 31;
const EXIT_SIGNAL = 130;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
assert.ok(minutes > 0, `--minutes ${values.minutes}: it takes a number above 0`);
const random = new Random(
  values.seed === undefined ? Math.floor(Math.random() * SEEDS) : Number(values.seed),
);
const again = `npm run test:soak -- --minutes ${minutes} --seed ${random.seed}`;

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void healStanding().finally(() => process.exit(EXIT_SIGNAL)));

test(`${minutes} minutes of faults by chance: ${again}`, async () => {
  const faults = FAULTS.filter(({ needs, long }) => !long && (needs === 'kubectl' || process.env.LAB));
  const directory = await mkdtemp(join(tmpdir(), 'dlog-soak-'));
  await using arena = await Arena.open();
  const gauges = new Gauges(arena);
  const endMs = performance.now() + minutes * MS_PER_MINUTE;
  let acknowledged = 0;
  for (let round = 1; performance.now() < endMs; round += 1) {
    const fault = randomFault(faults, random);
    console.log(`round ${round}: ${fault.name}`);
    try {
      acknowledged += (await runFault(arena, fault, `s${round}`, directory)).acknowledged;
    } catch (error) {
      await arena.namespace.diagnose();
      throw new Error(`round ${round}, ${fault.name}: ${again}; the histories are in ${directory}`, {
        cause: error,
      });
    }
    // The history was right: it need not be kept.
    for (const name of await readdir(directory)) await rm(join(directory, name));
    await gauges.sample();
  }
  console.log(`${acknowledged} appends acknowledged, 0 lost, 0 twice, 0 out of order`);
  console.log(gauges.table());
  gauges.assertFlat();
  await arena.sameLogs();
});
