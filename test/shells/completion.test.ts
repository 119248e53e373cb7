// The completion scripts in real shells: what bash, zsh and fish offer for the same command lines. Needs all three.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { completionScript } from '../../src/cli/commands/completion.ts';
import { SHELLS } from '../../src/cli/options.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

/** A command line up to the cursor, and what is offered there, in any order. */
const CASES: readonly [line: string, offered: readonly string[]][] = [
  ['dlog t', ['tail', 'transfer']],
  ['dlog members ', ['add', 'remove']],
  ['dlog --json completion f', ['fish']],
  ['dlog tail --f', ['--follow', '--from']],
  ['dlog produce --f', ['--file']],
  ['dlog bench --s', ['--seconds', '--selector', '--size']],
  ['dlog status --k', ['--kube']],
  ['dlog tail --from ', []],
  ['dlog produce --file some-l', ['some-lines.txt']],
  ['dlog verify some-h', ['some-history.jsonl']],
];

type Offers = (line: string, directory: string, script: string) => Promise<string[]>;

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const bash: Offers = async (line, directory, script) => {
  const words = line.split(' ').map((word) => `'${word}'`);
  const asked = `source '${script}'; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _dlog
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf((await run('bash', ['-c', asked], { cwd: directory, timeout: TIMEOUT_MS })).stdout);
};

const fish: Offers = async (line, directory, script) => {
  const asked = `source '${script}'; complete --do-complete='${line}'`;
  const options = { cwd: directory, timeout: TIMEOUT_MS, env: { ...process.env, HOME: directory } };
  // A description may follow a tab.
  return linesOf((await run('fish', ['-c', asked], options)).stdout).map(
    (offer) => offer.split('\t')[0] ?? '',
  );
};

/** Zsh completes only for somebody who types: a terminal of its own, in which what is offered is noted. */
const ZSH = `
zmodload zsh/zpty
zpty terminal zsh -f -i
type() { zpty -w terminal "$1" }
type "autoload -Uz compinit && compinit -u -D && source '$SCRIPT' && bindkey '^I' complete-word"
type "compadd() { local -a hits; builtin compadd -A hits \\"\\$@\\"; (( \\$#hits )) && print -rl -- \\$hits >>offers; builtin compadd \\"\\$@\\" }"
type "print -r -- ready >>steps"
while [[ ! -s steps ]]; do sleep 0.02; done
zpty -w -n terminal "$LINE"$'\\t'
zpty -w -n terminal $'\\C-u'
type "print -r -- done >>steps"
while [[ $(wc -l <steps) -lt 2 ]]; do sleep 0.02; done
zpty -d terminal
`;

const zsh: Offers = async (line, directory, script) => {
  const steps = ['offers', 'steps'].map((name) => join(directory, name));
  for (const file of steps) await rm(file, { force: true });
  const env = { ...process.env, LINE: line, SCRIPT: script, TERM: 'dumb' };
  await run('zsh', ['-f', '-c', ZSH], { cwd: directory, timeout: TIMEOUT_MS, env });
  return linesOf(await readFile(steps[0] ?? '', 'utf8').catch(() => ''));
};

const OFFERS = { bash, zsh, fish } as const;

for (const shell of SHELLS)
  describe(`completion in ${shell}`, () => {
    let directory: string;
    let script: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), `dlog-${shell}-`));
      script = join(directory, 'script');
      await writeFile(script, completionScript(shell));
      await writeFile(join(directory, 'some-lines.txt'), '');
      await writeFile(join(directory, 'some-history.jsonl'), '');
    });
    after(() => rm(directory, { recursive: true }));
    for (const [line, offered] of CASES)
      it(`${line}⇥`, async () => {
        const offers = await OFFERS[shell](line, directory, script);
        assert.deepEqual([...new Set(offers)].sort(), offered);
      });
  });
