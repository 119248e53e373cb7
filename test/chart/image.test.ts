// The Dockerfile's promises that can be read off it; that it builds is shown by the end-to-end tests.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { loggerSettings, producerSettings } from '../../src/config.ts';

const dockerfile = await readFile('Dockerfile', 'utf8');
const product = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

describe('the image', () => {
  it('is distroless, with the same Node as the package asks for and the other stages have', async () => {
    const { engines } = JSON.parse(await readFile('package.json', 'utf8')) as { engines: { node: string } };
    const major = engines.node.replace('>=', '');
    assert.match(
      product,
      new RegExp(`^\\nFROM gcr\\.io/distroless/nodejs${major}-debian12:nonroot AS product$`, 'm'),
    );
    const others = [...dockerfile.matchAll(/^FROM (node\S+)/gm)].map(([, image]) => image);
    assert.deepEqual([...new Set(others)], [`node:${major}-slim`]);
  });

  it('runs as a user whose number Kubernetes can see is not root’s, as the chart’s pods do', async () => {
    const [, user] = /^USER (\d+):\d+$/m.exec(product) ?? [];
    assert.equal(user, '65532');
    const template = await readFile('charts/distributed-logger/templates/logger/statefulset.yaml', 'utf8');
    assert.match(template, new RegExp(`podSecurityContext" \\(list ${user} ${user}\\)`));
  });

  it('holds production dependencies alone', () => {
    assert.match(product, /^COPY --from=dependencies \/app\/node_modules/m);
    const [, dependencies] = /AS dependencies\n([\s\S]*?)\nFROM/.exec(dockerfile) ?? [];
    assert.match(dependencies ?? '', /npm ci --omit=dev --ignore-scripts/);
  });

  it('exposes the ports that the programs listen on', () => {
    const [api, peer, producer] = [loggerSettings.apiPort, loggerSettings.peerPort, producerSettings.port];
    const beat = '9091'; // a free one unless told; the chart tells
    const [, exposed] = /^EXPOSE (.*)$/m.exec(product) ?? [];
    assert.deepEqual(exposed?.split(' '), [api.fallback, peer.fallback, beat, producer.fallback]);
  });

  it('has dlog on its path, as the dev stage has, and every program under the same name in both', () => {
    const stages = dockerfile.split(/^FROM /m).slice(1);
    const stage = (name: string): string => stages.find((text) => text.includes(` AS ${name}\n`)) ?? '';
    const shim = (node: string): string =>
      `printf '#!${node}\\nimport("/app/dist/cli/main.js");\\n' > /usr/local/bin/dlog && chmod 755 /usr/local/bin/dlog`;
    assert.ok(stage('build').includes(shim('/nodejs/bin/node')));
    assert.match(stage('product'), /^COPY --from=build \/usr\/local\/bin\/dlog \/usr\/local\/bin\/dlog$/m);
    assert.ok(stage('dev').includes(shim('/usr/bin/env node')));
    const [, programs = ''] = /for program in (.*); do/.exec(stage('dev')) ?? [];
    assert.deepEqual(programs.split(' '), ['logger', 'producer', 'cli']);
  });

  it('is given what it copies: .dockerignore lets all of that through', async () => {
    const ignore = await readFile('.dockerignore', 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)].flatMap(([, words]) =>
      (words ?? '')
        .split(' ')
        .filter((word) => !word.startsWith('--'))
        .slice(0, -1),
    );
    assert.ok(copied.length > 0);
    for (const path of copied) assert.ok(ignore.split('\n').includes(`!${path}`), path);
  });
});
