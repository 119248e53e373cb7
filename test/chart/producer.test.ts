import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { producerSettings, readConfig } from '../../src/config.ts';
import { environment, onlyContainer, type Service, spec, type Workload } from '../support/manifests.ts';
import { type Manifest, render } from '../support/tools.ts';

const name = 'distributed-logger-producer';

const config = (objects: Manifest[]) => {
  const seen = environment(objects, onlyContainer(spec<Workload>(objects, 'Deployment', name).template), {});
  return { seen, read: readConfig(producerSettings, seen) };
};

describe('the producer in the chart', () => {
  it('gets a configuration that the program accepts, in names that it knows', async () => {
    const { seen, read } = config(await render());
    const known: string[] = Object.values(producerSettings).map(({ variable }) => variable);
    assert.deepEqual(
      Object.keys(seen).filter((variable) => !known.includes(variable)),
      [],
    );
    assert.equal(read.rate, 0.2);
    assert.equal(read.message, 'Message: %d');
    assert.equal(read.producerId, '1');
  });

  it('sends to the leader Service, whatever its name', async () => {
    for (const leader of ['distributed-logger-leader', 'front']) {
      const objects = await render({ values: { leaderService: { name: leader } } });
      const service = spec<Service>(objects, 'Service', leader);
      assert.deepEqual([config(objects).read.target].flat(), [`http://${leader}:${service.ports[0]?.port}`]);
    }
  });

  it('reads every rate as it was given', async () => {
    for (const rate of [0, 0.000_01, 0.2, 100, 2.5, 1_000_000, 10_000_000]) {
      assert.equal(config(await render({ values: { producer: { rate } } })).read.rate, rate);
    }
  });

  it('takes extra variables in place of the chart’s own', async () => {
    const extraEnv = [
      { name: 'DLOG_RATE', value: '5' },
      { name: 'DLOG_RETRY_MAX_MS', value: '50' },
    ];
    const objects = await render({ values: { producer: { extraEnv } } });
    const { env = [] } = onlyContainer(spec<Workload>(objects, 'Deployment', name).template);
    assert.equal(env.filter((variable) => variable.name === 'DLOG_RATE').length, 1);
    assert.deepEqual([config(objects).read.rate, config(objects).read.retryMaxMs], [5, 50]);
  });

  it('has a random id when none is wanted', async () => {
    assert.equal(config(await render({ values: { producer: { producerId: '' } } })).read.producerId, null);
  });

  it('listens where its probes look for it', async () => {
    const objects = await render();
    const container = onlyContainer(spec<Workload>(objects, 'Deployment', name).template);
    assert.deepEqual(container.ports, [{ name: 'http', containerPort: config(objects).read.port }]);
    assert.deepEqual(container.args, ['dist/producer/main.js']);
  });

  it('is one and never two, since the second would fence the first', async () => {
    const { replicas, strategy } = spec<Workload>(await render(), 'Deployment', name);
    assert.equal(replicas, 1);
    assert.deepEqual(strategy, { type: 'Recreate' });
  });

  it('can be left out whole', async () => {
    const objects = await render({ values: { producer: { enabled: false }, monitoring: { enabled: true } } });
    const left = objects.filter(
      (object) => object.metadata.labels?.['app.kubernetes.io/component'] === 'producer',
    );
    assert.deepEqual(left, []);
  });
});
