import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { renderValuesPage, valuesPage } from '../../scripts/render.ts';
import { findHelm, run } from '../../scripts/tools/index.ts';
import { chartDirectory, render } from '../support/tools.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly $ref?: string;
}

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
  ['a size that is none', { logger: { persistence: { size: 'large' } } }, /size/],
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

  it('are all in the schema, which allows no others', async () => {
    const values = parse(await readFile(`${chartDirectory}/values.yaml`, 'utf8')) as object;
    const schema = JSON.parse(await readFile(`${chartDirectory}/values.schema.json`, 'utf8')) as Schema;
    const definitions = (schema as { definitions: Record<string, Schema> }).definitions;
    const compare = (given: object, named: Schema, path: string): void => {
      const referred = definitions[named.$ref?.replace('#/definitions/', '') ?? ''];
      const { properties, additionalProperties } = referred ?? named;
      if (!properties) return; // one value, though a map
      assert.equal(additionalProperties, false, path);
      // Helm itself gives every chart `global`.
      const names = Object.keys(properties).filter((name) => name !== 'global');
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
