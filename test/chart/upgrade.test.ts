// The chart over its previous version: what Kubernetes refuses to change in place is the same, under the same values. That the
// upgrade goes through under load is shown by test/e2e/upgrade.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findHelm, run } from '../../scripts/tools/index.ts';
import { find, spec, type Workload } from '../support/manifests.ts';
import { PREVIOUS_CHART } from '../support/previous-chart.ts';
import { chartDirectory, type Manifest, manifests } from '../support/tools.ts';

/** Fields that an API server refuses to change, by kind. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  StatefulSet: ['selector', 'serviceName', 'volumeClaimTemplates', 'podManagementPolicy'],
  Deployment: ['selector'],
  Service: ['clusterIP'],
};

const template = async (chart: string, parameters: readonly string[]): Promise<Manifest[]> =>
  manifests(await run(await findHelm(), ['template', 'demo', chart, '--no-hooks', ...parameters]));

describe('an upgrade from the previous version of the chart', () => {
  const cases: readonly string[][] = [
    [],
    ['--set', 'logger.persistence.storageClass=fast,consul.replicas=5,monitoring.enabled=true'],
    ['--set', 'consul.enabled=false,consul.externalUrls={http://consul:8500},consul.tokenSecret.name=acl'],
    ['--set', 'fullnameOverride=audit,leaderService.type=NodePort'],
  ];
  for (const parameters of cases)
    it(`keeps what cannot be changed and loses no object: ${parameters.join(' ') || 'no values'}`, async () => {
      const [before, after] = await Promise.all(
        [PREVIOUS_CHART, chartDirectory].map((chart) => template(chart, parameters)),
      );
      assert.ok(before && after && before.length > 8);
      for (const old of before) {
        const now = find(after, old.kind, old.metadata.name);
        assert.ok(now, `${old.kind} ${old.metadata.name} is gone`);
        assert.equal(now.apiVersion, old.apiVersion);
        for (const field of FIXED[old.kind] ?? [])
          assert.deepEqual(
            (now.spec as Workload)[field],
            (old.spec as Workload)[field],
            `${old.kind} ${old.metadata.name}: ${field}`,
          );
      }
    });

  it('restarts no Consul server by itself', async () => {
    const [before, after] = await Promise.all(
      [PREVIOUS_CHART, chartDirectory].map((chart) => template(chart, [])),
    );
    const pod = (objects: readonly Manifest[] = []) =>
      spec<Workload>(objects, 'StatefulSet', 'demo-distributed-logger-consul').template;
    assert.deepEqual(pod(after), pod(before));
  });
});
