import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { loggerSettings, producerSettings, readConfig } from '../../../src/config.ts';
import { freePorts } from '../../../src/stack/consul-ports.ts';
import { parseFlags, type StackFlags } from '../../../src/stack/flags.ts';
import { busyPorts, layoutOf, loggerEnvironment, producerEnvironment } from '../../../src/stack/layout.ts';

function flags(...args: string[]): StackFlags {
  const parsed = parseFlags(args);
  assert.ok(parsed.kind === 'run');
  return parsed.flags;
}

test('with the base port as it is, Consul has its usual one', async () => {
  const layout = await layoutOf(flags('--nodes', '2'));
  assert.deepEqual(layout, {
    loggers: [
      { id: 'logger-0', apiPort: 8081, peerPort: 9081 },
      { id: 'logger-1', apiPort: 8082, peerPort: 9082 },
    ],
    producerPort: 8181,
    consulPort: 8500,
  });
});

test('base port 0 takes free ports, all different', async () => {
  const { loggers, producerPort, consulPort } = await layoutOf(flags('--base-port', '0', '--nodes', '7'));
  const ports = [producerPort, ...loggers.flatMap(({ apiPort, peerPort }) => [apiPort, peerPort])];
  assert.equal(new Set(ports).size, 15);
  assert.ok(ports.every((port) => port > 0));
  assert.equal(consulPort, null);
});

test('ports that another process has are named with their use', async (t) => {
  const [taken = 0] = await freePorts(1);
  const other = createServer();
  await once(other.listen(taken, '127.0.0.1'), 'listening');
  t.after(() => other.close());
  const wanted = flags('--base-port', String(taken));
  assert.deepEqual(
    (await busyPorts(await layoutOf(wanted), wanted)).filter((line) => line.startsWith(String(taken))),
    [`${taken} (API of logger-0)`],
  );
  const consul = flags('--base-port', String(taken - 419));
  const lines = await busyPorts(await layoutOf(consul), consul);
  assert.ok(lines.includes(`${taken} (Consul)`));
  const external = flags('--base-port', String(taken - 419), '--consul', 'a:1');
  assert.ok(!(await busyPorts(await layoutOf(external), external)).includes(`${taken} (Consul)`));
});

test('the environments are whole configurations', async () => {
  const layout = await layoutOf(flags());
  const around = { layout, directory: '/data', cluster: 'local', consulUrls: ['http://127.0.0.1:8500'] };
  const logger = readConfig(loggerSettings, loggerEnvironment(layout.loggers[1]!, around));
  assert.equal(logger.id, 'logger-1');
  assert.equal(logger.apiUrl, 'http://127.0.0.1:8082');
  assert.equal(logger.peers, 'logger-0=127.0.0.1:9081,logger-1=127.0.0.1:9082,logger-2=127.0.0.1:9083');
  assert.equal(logger.dataDir, '/data/logger-1');
  const producer = readConfig(producerSettings, producerEnvironment(around, 2.5, '77'));
  assert.deepEqual(
    [producer.rate, producer.producerId, producer.target, producer.port],
    [2.5, '77', null, 8181],
  );
});
