// What `helm install` prints: commands that are right for the values given. Helm renders the notes without a cluster.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findHelm, run } from '../../scripts/tools/index.ts';
import { loggerSettings } from '../../src/config.ts';
import { retentionWarnings } from '../../src/limits.ts';
import { chartDirectory } from '../support/tools.ts';

async function notes(...parameters: string[]): Promise<string> {
  const install = [
    'install',
    'demo',
    chartDirectory,
    '--namespace',
    'logs',
    '--dry-run=client',
    ...parameters,
  ];
  const [, text] = (await run(await findHelm(), install)).split(/^NOTES:$/m);
  assert.ok(text, 'Helm prints notes');
  assert.doesNotMatch(text, /<no value>|%!|<nil>/);
  assert.doesNotMatch(text, /\n{3}/, 'one empty line between paragraphs');
  return text;
}
const set = (...values: string[]): string[] => values.flatMap((value) => ['--set', value]);

describe('the notes of the chart', () => {
  it('as it comes', async () => {
    const text = await notes();
    assert.match(text, /^3 loggers are starting as the StatefulSet demo-distributed-logger/m);
    assert.match(
      text,
      /curl --header 'Content-Type: text\/plain' --data 'hello' http:\/\/localhost:8080\/api\/v1\/log$/m,
    );
    assert.match(text, /port-forward service\/demo-distributed-logger-leader 8080:8080$/m);
    assert.match(text, /port-forward service\/demo-distributed-logger-consul 8500:8500$/m);
    assert.match(text, /logs --follow/);
    assert.match(text, /helm --namespace logs test demo --logs$/m);
    assert.doesNotMatch(text, /TOKEN|ca\.crt|distributed-logger\/client/);
  });

  it('warn of a retention before which the volume is full, as the loggers do', async () => {
    const sizes = { '64Mi': 2 ** 26, '64M': 64e6, '1Gi': 2 ** 30, '0.5Gi': 2 ** 29, '2000000000': 2e9 };
    for (const [size, bytes] of Object.entries(sizes))
      for (const retentionBytes of [0, 20e6, 38e6, 450e6, 900e6, 930e6, 1.8e9, 3e15]) {
        const text = await notes(
          ...['--set', `logger.retentionBytes=${retentionBytes}`],
          ...['--set-string', `logger.persistence.size=${size}`],
        );
        const limits = { retentionBytes, segmentSizeBytes: Number(loggerSettings.segmentSizeBytes.fallback) };
        const expected = retentionWarnings(limits, bytes).some((warning) =>
          warning.includes('of the volume'),
        );
        assert.equal(
          /^WARNING: logger\.retentionBytes/m.test(text),
          expected,
          `${retentionBytes} of ${size}`,
        );
      }
  });

  it('with all of security: the CA, a token, the label for clients, Consul by its own port', async () => {
    const text = await notes('--values', `${chartDirectory}/values-secure.yaml`);
    assert.match(
      text,
      /get secret distributed-logger-api-tls --output jsonpath='\{\.data\.ca\\\.crt\}' \| base64 --decode > ca\.crt$/m,
    );
    assert.match(
      text,
      /TOKEN=\$\(kubectl --namespace logs get secret distributed-logger-client-token --output jsonpath='\{\.data\.token\}'/,
    );
    assert.match(
      text,
      /curl --cacert ca\.crt --connect-to ::localhost:8080 --header "Authorization: Bearer \$TOKEN" 'https:\/\/demo-distributed-logger-leader\.logs\.svc:8080\/api/,
    );
    assert.match(text, /^ {2}distributed-logger\/client: demo-distributed-logger$/m);
    assert.match(text, /port-forward pod\/demo-distributed-logger-consul-0 8500:8500$/m);
    assert.match(text, /log in with the token in the Secret distributed-logger-consul-management/);
  });

  it('with tokens, but none for the chart’s own clients', async () => {
    const text = await notes(...set('api.tokens.secretName=keys', 'producer.enabled=false'));
    assert.match(text, /TOKEN=one of the tokens in the Secret keys$/m);
    assert.doesNotMatch(text, /helm --namespace logs test|logs --follow/);
  });

  it('with a key whose name has a dot', async () => {
    const text = await notes(
      ...set('api.tokens.secretName=keys', 'api.tokens.clientSecret.name=one'),
      ...['--set-string', 'api.tokens.clientSecret.key=read.grafana'],
    );
    assert.match(text, /jsonpath='\{\.data\.read\\\.grafana\}'/);
  });

  it('with NetworkPolicies that let everybody in', async () => {
    const text = await notes(...set('networkPolicy.enabled=true', 'networkPolicy.apiForAll=true'));
    assert.doesNotMatch(text, /distributed-logger\/client/);
  });

  it('with one logger, an external Consul, and nothing printed', async () => {
    const text = await notes(
      ...set('logger.replicas=1', 'logger.printRecords=false', 'consul.enabled=false'),
      ...set(
        'consul.externalUrls={http://consul:8500}',
        'leaderService.name=front',
        'fullnameOverride=audit',
      ),
    );
    assert.match(text, /^1 logger is starting as the StatefulSet audit\./m);
    assert.match(text, /port-forward service\/front 8080:8080$/m);
    assert.doesNotMatch(text, /Consul|logs --follow|delete pod/);
  });

  it('with no logger', async () => {
    const text = await notes(...set('logger.replicas=0'));
    assert.match(text, /^No logger runs, as logger\.replicas is 0/m);
    assert.doesNotMatch(text, /curl|rollout status/);
    assert.match(text, /delete persistentvolumeclaim/);
  });
});
