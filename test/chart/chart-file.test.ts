// Chart.yaml, whose annotations a catalog of charts shows, and the chart's README.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { readmeFile, renderReadme } from '../../scripts/render.ts';
import { onlyContainer, pods } from '../support/manifests.ts';
import { chartDirectory, render } from '../support/tools.ts';

interface Chart {
  readonly version: string;
  readonly appVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
}
const chart = parse(await readFile(`${chartDirectory}/Chart.yaml`, 'utf8')) as Chart;
const annotation = <T>(name: string): T => parse(chart.annotations[`artifacthub.io/${name}`] ?? '') as T;

describe('Chart.yaml', () => {
  it('names the images that the chart runs by default', async () => {
    const images = annotation<{ name: string; image: string }[]>('images').map(({ image }) => image);
    const run = pods(await render()).map(([, template]) => onlyContainer(template).image);
    assert.deepEqual(images.sort(), [...new Set(run)].sort());
  });

  it('is of the program’s version, license and state', async () => {
    const { version, license } = JSON.parse(await readFile('package.json', 'utf8')) as Record<string, string>;
    assert.equal(chart.appVersion, version);
    assert.equal(chart.annotations['artifacthub.io/license'], license);
    assert.equal(annotation<boolean | string>('prerelease'), chart.version.startsWith('0.'));
  });

  it('tells the changes of this version, and the page on upgrades has a heading for it', async () => {
    const changes = annotation<{ kind: string; description: string }[]>('changes');
    assert.ok(changes.length > 0);
    for (const { kind, description } of changes) {
      assert.match(kind, /^(added|changed|deprecated|removed|fixed|security)$/);
      assert.ok(description.length > 10);
    }
    const page = await readFile('docs/how-to/upgrade.md', 'utf8');
    assert.ok(page.includes(`\n## To chart ${chart.version}`), 'docs/how-to/upgrade.md');
  });

  it('links to pages by https', () => {
    const links = annotation<{ name: string; url: string }[]>('links');
    assert.ok(links.length > 0);
    for (const { name, url } of links) assert.match(`${name} ${url}`, /^\S.* https:\/\/\S+$/);
  });
});

describe('the chart’s README', () => {
  it('is what its values and examples make: run npm run render', async () => {
    assert.equal(await readFile(readmeFile, 'utf8'), await renderReadme());
  });

  it('links to pages that there are', async () => {
    const text = await readFile(readmeFile, 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '');
    assert.ok(links.length > 5);
    for (const path of links) await readFile(new URL(path, new URL(readmeFile, `file://${process.cwd()}/`)));
  });
});
