// npm run mutants [-- NAME...]: puts each mutant of test/mutants/table.ts into a copy of the sources, one at a time, and runs
// the tests that must notice. Fails when one survives, no longer applies, or when its tests are red without it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, mutated, SOURCE_MUTANTS } from '../test/mutants/table.ts';

const COMMAND_MS = 180_000;
const SEEDS = 5;
const COPIED = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json'];
const root = resolve(import.meta.dirname, '..');

function argumentsOf(command: Command): string[] {
  if ('tests' in command) return ['--test', ...command.tests];
  const { schedule, seeds = SEEDS } = command;
  return ['scripts/simulate.ts', '--schedule', schedule, '--seed', '1', '--seeds', String(seeds)];
}

/** A run that hangs is red too. */
const isGreen = (copy: string, command: Command): boolean =>
  spawnSync(process.execPath, argumentsOf(command), { cwd: copy, stdio: 'ignore', timeout: COMMAND_MS })
    .status === 0;

const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
const green = new Map<string, boolean>();
const failures: string[] = [];
const named = process.argv.slice(2);

function verdict(name: string): string | null {
  const mutant = SOURCE_MUTANTS[name];
  if (!mutant) return 'there is no such mutant';
  const { file, killedBy } = mutant;
  const source = readFileSync(join(root, file), 'utf8');
  const changed = mutated(source, mutant);
  if (changed === null) return `does not apply: its text is not found exactly once in ${file}`;
  const key = JSON.stringify(killedBy);
  if (!green.has(key)) green.set(key, isGreen(copy, killedBy));
  if (!green.get(key)) return `its tests are red without it: node ${argumentsOf(killedBy).join(' ')}`;
  writeFileSync(join(copy, file), changed);
  const survives = isGreen(copy, killedBy);
  writeFileSync(join(copy, file), source);
  return survives ? `survives: node ${argumentsOf(killedBy).join(' ')}` : null;
}

try {
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const name of named.length > 0 ? named : Object.keys(SOURCE_MUTANTS)) {
    const problem = verdict(name);
    console.log(
      `${problem === null ? 'killed' : 'FAILED'}  ${name}${problem === null ? '' : `\n        ${problem}`}`,
    );
    if (problem !== null) failures.push(name);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(failures.length === 0 ? 'all mutants were killed' : `${failures.length} mutants were not killed`);
process.exitCode = failures.length === 0 ? 0 : 1;
