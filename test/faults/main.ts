// `npm run test:faults`: faults on the cluster of KUBECONFIG, one test each, with the image named by IMAGE. Faults of machines
// need LAB, the path of a command that makes them, and are skipped without it.
//   -- --only TEXT     faults whose name has this in it; may be repeated
//   -- --short         the most telling ones, about twenty minutes
//   -- --runs N        each so many times
//   -- --results FILE  where results are gathered, beside those that are there
//   -- --write         writes docs/reference/faults.md from them
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Arena } from './arena.ts';
import type { Fault } from './fault.ts';
import { FAULTS, PAIRS } from './nemesis/index.ts';
import { optionsOf } from './options.ts';
import { type Measurement, renderPage } from './page.ts';
import type { Result } from './result.ts';
import { healStanding, runFault } from './run-fault.ts';

const PAGE = new URL('../../docs/reference/faults.md', import.meta.url);
const BYTES_PER_GIB = 2 ** 30;
const EXIT_SIGNAL = 130;
const options = optionsOf(process.argv.slice(2));

const machine = (): string =>
  `all nodes of the cluster are on one machine (${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown kind'}, ${Math.round(totalmem() / BYTES_PER_GIB)} GiB)`;

const results: Result[] = [];
const measured: Measurement = {
  date: new Date().toISOString().slice(0, 16),
  machine: machine(),
  command: 'npm run test:faults -- --write',
  results: [],
};

/** What earlier runs have put into the file of results, and this one. */
async function gathered(): Promise<Measurement> {
  if (options.results === null) return { ...measured, results };
  const text = await readFile(options.results, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return JSON.stringify(measured);
    throw error;
  });
  const before = JSON.parse(text) as Measurement;
  return { ...before, results: [...before.results, ...results] };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    console.log(`${signal}: the fault that stands is healed, and the suite ends`);
    void healStanding().finally(() => process.exit(EXIT_SIGNAL));
  });

describe('faults', { concurrency: false }, () => {
  let arena: Arena;
  let directory: string;
  let failures = 0;
  let number = 0;
  // Values must differ from those of any earlier recording of this log.
  const prefix = randomBytes(2).toString('hex');

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dlog-faults-'));
    arena = await Arena.open();
  });

  after(async () => {
    await arena?.[Symbol.asyncDispose]();
    if (failures === 0) await rm(directory, { recursive: true, force: true });
    else console.log(`The histories are kept in ${directory}`);
    if (options.write) await writeFile(PAGE, renderPage(await gathered(), FAULTS, PAIRS));
  });

  const strike = async (fault: Fault): Promise<void> => {
    number += 1;
    try {
      results.push(await runFault(arena, fault, `${prefix}-${number}`, directory));
      if (options.results !== null) {
        await writeFile(options.results, JSON.stringify(await gathered()));
        results.length = 0;
      }
    } catch (error) {
      failures += 1;
      await arena.namespace.diagnose();
      throw error;
    }
  };

  for (let run = 0; run < options.runs; run += 1)
    for (const fault of options.faults) {
      const skip =
        fault.needs === 'lab' && !process.env.LAB && 'LAB, a command for faults of machines, is not set';
      test(fault.name, { skip }, () => strike(fault));
    }
});
