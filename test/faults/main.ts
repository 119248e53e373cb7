// `npm run test:faults`: faults on the cluster of KUBECONFIG, one test each, with the image named by IMAGE. Faults of machines
// need LAB and are skipped without it.
//   --only TEXT   faults whose name has this in it; may be repeated
//   --runs N      each so many times
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseArgs } from 'node:util';
import { Arena } from './arena.ts';
import { FAULTS } from './nemesis/index.ts';
import { runFault } from './run-fault.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    runs: { type: 'string', default: '1' },
  },
});

const chosen = FAULTS.filter(({ name }) => options.only.some((text) => name.includes(text)));
if (chosen.length === 0) throw new Error(`no fault's name has ${JSON.stringify(options.only)} in it`);

describe('faults', { concurrency: false }, () => {
  let arena: Arena;
  let directory: string;
  let number = 0;
  let failures = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dlog-faults-'));
    arena = await Arena.open();
  });

  after(async () => {
    await arena?.[Symbol.asyncDispose]();
    if (failures === 0) await rm(directory, { recursive: true, force: true });
    else console.log(`The histories are kept in ${directory}`);
  });

  for (let run = 0; run < Number(options.runs); run += 1)
    for (const fault of chosen) {
      const skip =
        fault.needs === 'lab' && !process.env.LAB && 'LAB, a command for faults of machines, is not set';
      test(fault.name, { skip }, async () => {
        number += 1;
        try {
          await runFault(arena, fault, `f${number}`, directory);
        } catch (error) {
          failures += 1;
          await arena.namespace.diagnose();
          throw error;
        }
      });
    }
});
