import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { renderValuesPage, valuesPage } from '../../scripts/render.ts';
import { findHelm, run } from '../../scripts/tools/index.ts';
import { find, onlyContainer, pods } from '../support/manifests.ts';
import { chartDirectory, manifests, type RenderOptions, render } from '../support/tools.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly $ref?: string;
}

const NOT_ITS_OWN = ['global', 'enabled'];

const refused: [what: string, values: Record<string, unknown>, complaint: RegExp][] = [
  ['an unknown group', { loggers: {} }, /loggers/],
  ['an unknown value', { logger: { replica: 5 } }, /replica/],
  ['an unknown value two levels down', { consul: { persistence: { class: 'fast' } } }, /class/],
  ['half a logger', { logger: { replicas: 2.5 } }, /replicas/],
  ['a negative number', { logger: { retentionBytes: -1 } }, /retentionBytes/],
  ['a level that does not exist', { logger: { logLevel: 'verbose' } }, /logLevel/],
  ['a cluster that Consul cannot name', { logger: { cluster: 'My Cluster' } }, /cluster/],
  ['no time to stop', { logger: { terminationGracePeriodSeconds: 5 } }, /terminationGracePeriodSeconds/],
  ['a Service name with capitals', { leaderService: { name: 'Leader' } }, /name/],
  ['a producer id of 0', { producer: { producerId: '0' } }, /producerId/],
  ['a producer id that YAML made a number', { producer: { producerId: 7 } }, /producerId/],
  ['a message without a place for its number', { producer: { message: 'Message' } }, /message/],
  ['an environment variable without a name', { producer: { extraEnv: [{ value: 'x' }] } }, /name/],
  ['two Consul servers, which tolerate no more than one does', { consul: { replicas: 2 } }, /replicas/],
  ['no Consul at all', { consul: { enabled: false } }, /externalUrls/],
  ['two kinds of Consul', { consul: { externalUrls: ['http://consul:8500'] } }, /externalUrls/],
  [
    'an address without http://',
    { consul: { enabled: false, externalUrls: ['consul:8500'] } },
    /externalUrls/,
  ],
  ['a threshold that nothing uses', { monitoring: { rules: { thresholds: { slowFsync: 1 } } } }, /slowFsync/],
  [
    'more of a disk than there is',
    { monitoring: { rules: { thresholds: { diskFreeRatio: 15 } } } },
    /diskFreeRatio/,
  ],
  ['a Secret whose name has capitals', { api: { tls: { secretName: 'TLS' } } }, /secretName/],
  ['a key that no Secret can have', { consul: { gossip: { keySecret: { key: 'a b' } } } }, /key/],
  ['an address that is no CIDR', { networkPolicy: { kubernetesApi: { cidrs: ['10.0.0.1'] } } }, /cidrs/],
  ['no port of the Kubernetes API', { networkPolicy: { kubernetesApi: { ports: [] } } }, /ports/],
  ['more printed records than the program takes', { logger: { printRate: 1_000_001 } }, /printRate/],
  ['a tag that no image can have', { image: { tag: '1.2.3 ' } }, /tag/],
  ['a digest that is cut off', { image: { tag: 'sha256:abc' } }, /tag/],
  [
    'one Secret of a registry twice',
    { imagePullSecrets: [{ name: 'a' }, { name: 'a' }] },
    /imagePullSecrets/,
  ],
  ['a size that is none', { logger: { persistence: { size: 'large' } } }, /size/],
];

const contradictory: [what: string, options: RenderOptions, complaint: RegExp][] = [
  ...['', '-headless', '-consul'].map((suffix): [string, RenderOptions, RegExp] => [
    `a leader Service that is called as another one, ${suffix || 'that of all loggers'}`,
    { release: 'demo', values: { leaderService: { name: `demo-distributed-logger${suffix}` } } },
    /leaderService\.name must not be/,
  ]),
  ['a release whose name begins with a digit', { release: '9lives' }, /fullnameOverride must be set/],
  ['such a full name', { values: { fullnameOverride: '1st' } }, /begins with a letter/],
];

describe('the values of the chart', () => {
  it('pass helm lint --strict', async () => {
    assert.match(await run(await findHelm(), ['lint', '--strict', chartDirectory]), /0 chart\(s\) failed/);
  });

  for (const [what, values, complaint] of refused) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(render({ values }), (error: Error) => {
        assert.match(error.message, /meet the specifications of the schema/);
        assert.match(error.message, complaint);
        return true;
      });
    });
  }

  for (const [what, options, complaint] of contradictory)
    it(`refuse ${what}, before anything is installed`, async () => {
      await assert.rejects(render(options), complaint);
    });

  it('take a digest for a tag', async () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const images = async (tag: string): Promise<string[]> => {
      const objects = await render({ values: { image: { tag }, consul: { image: { tag } } } });
      return [...new Set(pods(objects).map(([, template]) => onlyContainer(template).image))].sort();
    };
    assert.deepEqual(await images(digest), [`distributed-logger@${digest}`, `hashicorp/consul@${digest}`]);
    assert.deepEqual(await images(`1.2.3@${digest}`), [
      `distributed-logger:1.2.3@${digest}`,
      `hashicorp/consul:1.2.3@${digest}`,
    ]);
  });

  it('can be those of a dependency, with the condition that turns it on and off', async (t) => {
    const umbrella = await mkdtemp(join(tmpdir(), 'distributed-logger-umbrella-'));
    t.after(() => rm(umbrella, { recursive: true }));
    await mkdir(join(umbrella, 'charts'));
    await symlink(resolve(chartDirectory), join(umbrella, 'charts/distributed-logger'));
    const { version } = parse(await readFile(`${chartDirectory}/Chart.yaml`, 'utf8')) as { version: string };
    const dependency = { name: 'distributed-logger', version, condition: 'distributed-logger.enabled' };
    const chart = { apiVersion: 'v2', name: 'umbrella', version: '1.0.0', dependencies: [dependency] };
    await writeFile(join(umbrella, 'Chart.yaml'), JSON.stringify(chart));
    for (const enabled of [true, false]) {
      const set = `distributed-logger.enabled=${enabled}`;
      const objects = manifests(await run(await findHelm(), ['template', 'demo', umbrella, '--set', set]));
      assert.equal(find(objects, 'StatefulSet', 'demo-distributed-logger') !== undefined, enabled);
    }
  });

  it('are all in the schema, which allows no others', async () => {
    const values = parse(await readFile(`${chartDirectory}/values.yaml`, 'utf8')) as object;
    const schema = JSON.parse(await readFile(`${chartDirectory}/values.schema.json`, 'utf8')) as Schema;
    const definitions = (schema as { definitions: Record<string, Schema> }).definitions;
    const compare = (given: object, named: Schema, path: string): void => {
      const referred = definitions[named.$ref?.replace('#/definitions/', '') ?? ''];
      const { properties, additionalProperties } = referred ?? named;
      if (!properties) return; // one value, though a map
      assert.equal(additionalProperties, false, path);
      // Helm itself gives every chart `global`; `enabled` is for a chart that has this one among its dependencies.
      const names = Object.keys(properties).filter(
        (name) => path !== 'values' || !NOT_ITS_OWN.includes(name),
      );
      assert.deepEqual(Object.keys(given).sort(), names.sort(), path);
      for (const [name, inner] of Object.entries(given))
        if (inner !== null && typeof inner === 'object' && !Array.isArray(inner))
          compare(inner, properties[name] ?? {}, `${path}.${name}`);
    };
    compare(values, schema, 'values');
  });

  it(`are described in ${valuesPage}: run npm run render`, async () => {
    assert.equal(await readFile(valuesPage, 'utf8'), await renderValuesPage());
  });
});
