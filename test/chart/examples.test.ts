// The chart's examples in ci/, named as chart-testing looks for them: each is rendered as a user would, and is valid Kubernetes with
// pods of the restricted standard.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { findHelm, run } from '../../scripts/tools/index.ts';
import { pods } from '../support/manifests.ts';
import { restrictedViolations } from '../support/pod-security.ts';
import { chartDirectory, conformityProblems, manifests } from '../support/tools.ts';

const directory = `${chartDirectory}/ci`;
const files = [
  ...(await readdir(directory)).map((file) => `${directory}/${file}`),
  `${chartDirectory}/values-secure.yaml`,
];

describe('the chart’s examples', () => {
  for (const file of files)
    it(file, async () => {
      assert.match(file, /-values\.yaml$|values-secure\.yaml$/, 'chart-testing looks for such names');
      const parameters = ['template', 'demo', chartDirectory, '--namespace', 'logs', '--values', file];
      const text = await run(await findHelm(), parameters);
      assert.deepEqual(await conformityProblems(text), []);
      const made = pods(manifests(text));
      assert.ok(made.length >= 2);
      for (const [owner, { spec }] of made) assert.deepEqual(restrictedViolations(spec), [], owner);
      const lint = ['lint', '--strict', chartDirectory, '--values', file];
      assert.match(await run(await findHelm(), lint), /0 chart\(s\) failed/);
    });

  it('set something, but for the one that is the chart as it comes', async () => {
    for (const file of files) {
      const values = parse(await readFile(file, 'utf8')) as object;
      assert.equal(Object.keys(values).length === 0, file.endsWith('/default-values.yaml'), file);
    }
  });
});
