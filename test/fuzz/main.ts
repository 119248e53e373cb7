// npm run fuzz -- [--target NAME]… [--seed N] [--cases M] [--minutes M] [--path P]: damaged input of every kind, as long as one
// likes. Without a seed a fresh one is taken and printed. A failure prints the command that runs exactly its case again.
import { parseArgs } from 'node:util';
import { fuzz } from './runner.ts';
import { TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    cases: { type: 'string', default: '2000' },
    minutes: { type: 'string' },
    path: { type: 'string' },
  },
});

const wanted = values.target ?? TARGETS.map(({ name }) => name);
const unknown = wanted.filter((name) => !TARGETS.some((target) => target.name === name));
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const cases = Number(values.cases);
if (unknown.length > 0 || !Number.isSafeInteger(seed) || !(cases >= 1)) {
  console.error(
    `takes --seed and --cases as whole numbers, and of --target ${TARGETS.map(({ name }) => name)}`,
  );
  process.exit(2);
}

const endMs = values.minutes === undefined ? null : performance.now() + Number(values.minutes) * 60_000;
let failed = 0;
for (let round = 0; round === 0 || (endMs !== null && performance.now() < endMs); round += 1) {
  for (const target of TARGETS.filter(({ name }) => wanted.includes(name))) {
    const startedMs = performance.now();
    try {
      const ran = await fuzz(target, { seed: seed + round, cases, path: values.path });
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`${target.name}: seed ${seed + round}, ${ran} cases in ${seconds} s: ${target.about}`);
    } catch (error) {
      failed += 1;
      console.error((error as Error).message);
    }
  }
}
process.exit(failed > 0 ? 1 : 0);
