// The script for bash in a real bash; that every command and option is in each of the three.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { completionScript } from '../../../src/cli/commands/completion.ts';
import { COMMANDS, OPTIONS, SHELLS } from '../../../src/cli/options.ts';

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash')}
COMP_WORDS=(dlog ${quoted}); COMP_CWORD=${words.length}; _dlog; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', cwd: import.meta.dirname })
    .split('\n')
    .filter((word) => word !== '');
}

test('bash completes commands, their words, and the options that they have', () => {
  assert.deepEqual(offered('t'), ['transfer', 'tail']);
  assert.deepEqual(offered('members', ''), ['add', 'remove']);
  assert.deepEqual(offered('--json', 'completion', 'f'), ['fish']);
  assert.deepEqual(offered('tail', '--f'), ['--from', '--follow']);
  assert.deepEqual(offered('produce', '--f'), ['--file']);
  assert.deepEqual(offered('--v'), ['--version']);
  assert.deepEqual(offered('produce', '--file', 'completion.t'), ['completion.test.ts']);
  assert.deepEqual(offered('verify', 'completion.t'), ['completion.test.ts']);
});

for (const shell of SHELLS)
  test(`every command and option is in the script for ${shell}`, () => {
    const script = completionScript(shell);
    for (const command of COMMANDS)
      for (const word of command.split(' ')) assert.match(script, new RegExp(`\\b${word}\\b`));
    for (const name of Object.keys(OPTIONS))
      assert.match(script, new RegExp(`${shell === 'fish' ? '-l ' : '--'}${name}\\b`));
  });
