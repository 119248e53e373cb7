// `--kube` by way of a proxy: which one, by kubectl's rules, and that everything goes through it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { KubeConfig } from '@kubernetes/client-node';
import { CliError } from '../../../../src/cli/cli-error.ts';
import { KubeLoggers } from '../../../../src/cli/kube/index.ts';
import { proxyFor } from '../../../../src/cli/kube/proxy.ts';
import { LogClient } from '../../../../src/client/index.ts';
import { startApi } from '../../../support/api.ts';
import { KubeForwardDouble } from '../../../support/kube-forward.ts';

const never = new AbortController().signal;
const anywhere = { namespace: null, context: null, release: null, selector: null };
const HTTPS_PROXY = 'http://proxy:3128';

const cases: [what: string, server: string, environment: Record<string, string>, expected: string | null][] =
  [
    ['none is named', 'https://kube.test', {}, null],
    ['one for https', 'https://kube.test', { HTTPS_PROXY }, HTTPS_PROXY],
    ['in small letters', 'https://kube.test', { https_proxy: HTTPS_PROXY }, HTTPS_PROXY],
    ['without a scheme', 'https://kube.test', { HTTPS_PROXY: 'proxy:3128' }, HTTPS_PROXY],
    ['that of https is not for http', 'http://kube.test', { HTTPS_PROXY }, null],
    ['this machine', 'https://localhost:6443', { HTTPS_PROXY }, null],
    ['this machine by its address', 'https://127.0.0.1:6443', { HTTPS_PROXY }, null],
    ['this machine by IPv6', 'https://[::1]:6443', { HTTPS_PROXY }, null],
    ...(
      [
        ['*', 'https://kube.test', false],
        ['kube.test', 'https://kube.test', false],
        ['test', 'https://kube.test', false],
        ['be.test', 'https://kube.test', true],
        ['.kube.test', 'https://kube.test', true],
        ['.kube.test', 'https://api.kube.test', false],
        ['*.kube.test', 'https://api.kube.test', false],
        ['other.test, KUBE.test', 'https://kube.test', false],
        ['kube.test:443', 'https://kube.test', false],
        ['kube.test:6443', 'https://kube.test', true],
        ['10.0.0.0/8', 'https://10.1.2.3:6443', false],
        ['10.0.0.0/8', 'https://11.1.2.3:6443', true],
        ['10.0.0.0/99', 'https://10.1.2.3', true],
        ['10.1.2.3', 'https://10.1.2.3:6443', false],
        ['fd00::/8', 'https://[fd00::1]:6443', false],
        ['fd00::1', 'https://[fd00::1]:6443', false],
        ['[fd00::1]:6443', 'https://[fd00::1]:6443', false],
        ['', 'https://kube.test', true],
      ] as const
    ).map(([NO_PROXY, server, proxied]): (typeof cases)[number] => [
      `NO_PROXY ${JSON.stringify(NO_PROXY)} for ${server}`,
      server,
      { HTTPS_PROXY, NO_PROXY },
      proxied ? HTTPS_PROXY : null,
    ]),
  ];
for (const [what, server, environment, expected] of cases)
  test(`the proxy of the environment: ${what}`, () => assert.equal(proxyFor(server, environment), expected));

/** The double under a name that only the proxy knows. */
const elsewhere =
  (double: KubeForwardDouble, proxyUrl?: string) =>
  (kubeConfig: KubeConfig): void => {
    double.load(kubeConfig);
    kubeConfig.clusters = kubeConfig.clusters.map((each) => ({
      ...each,
      server: 'http://kube.invalid:6443',
      ...(proxyUrl !== undefined && { proxyUrl }),
    }));
  };

for (const by of ['HTTP_PROXY', 'proxy-url of the kubeconfig'])
  test(`everything goes through the proxy: ${by}`, async (t) => {
    const [double, api] = [await KubeForwardDouble.start(t), await startApi(t)];
    double.pods.push({ name: 'demo-0', ip: '10.0.0.10', port: api.port });
    const asked = new Set<string>();
    const proxy = createServer((_, response) => response.writeHead(400).end());
    proxy.on('connect', (request, socket) => {
      asked.add(request.url ?? '');
      const onward = connect(double.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on('error', () => {});
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const isOurs = by === 'HTTP_PROXY';
    const environment = isOurs ? { HTTP_PROXY: url } : { HTTP_PROXY: 'http://127.0.0.1:1' };
    const load = elsewhere(double, isOurs ? undefined : url);
    const loggers = await KubeLoggers.open(anywhere, never, load, environment);
    const client = new LogClient({ target: loggers.targets, dial: loggers.dial, connectTimeoutMs: 5000 });
    assert.equal((await client.status()).id, 'logger-0');
    assert.deepEqual([...asked], ['kube.invalid:6443']);
    assert.deepEqual(double.forwards, ['demo-0']);
    await client.close();
    await loggers.close();
  });

test('a proxy that speaks no HTTP is refused at once', async (t) => {
  const double = await KubeForwardDouble.start(t);
  const opening = KubeLoggers.open(anywhere, never, elsewhere(double, 'socks5://127.0.0.1:1'), {});
  await assert.rejects(opening, (error) => error instanceof CliError && error.code === 'kube-config');
});
