// A logger's certificates and secrets: what is wrong with them at the start ends it with one message that names the setting.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { ConfigError, loggerSettings, readConfig } from '../../../src/config.ts';
import { type Material, materialOf } from '../../../src/logger/material.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { Authority, putFile, putPair } from '../../support/authority.ts';

const unseen = (): never => {
  throw new Error('only the counters are asked for');
};

describe('certificates and secrets of a logger', () => {
  let directory: string;
  let authority: Authority;
  let files: Record<string, string>;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'distributed-logger-material-'));
    authority = await Authority.make('ours');
    const { certFile, keyFile } = await putPair(directory, 'good', await authority.certificate('good'));
    const other = await putPair(directory, 'other', await authority.certificate('other'));
    const ca = join(directory, 'ca.crt');
    await putFile(ca, authority.ca);
    const [bad, secret, empty] = ['bad', 'secret', 'empty'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await putFile(bad, 'no PEM');
    await putFile(secret, 'a-consul-token\n');
    await putFile(empty, '\n');
    files = { cert: certFile, key: keyFile, otherKey: other.keyFile, ca, bad, secret, empty };
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const lines: string[] = [];
  async function materialFor(
    t: { after(end: () => Promise<void>): void },
    environment: Record<string, string>,
  ) {
    const stack = new AsyncDisposableStack();
    t.after(() => stack.disposeAsync());
    const config = readConfig(loggerSettings, { DLOG_ID: 'logger-0', ...environment });
    const metrics = createMetrics({ version: '', node: '' }, unseen, unseen);
    const out = pino({}, { write: (line: string) => void lines.push(line) });
    const material: Material = await materialOf(config, out, metrics, stack);
    return { material, metrics };
  }

  it('nothing is needed where nothing is set', async (t) => {
    const { material } = await materialFor(t, {
      DLOG_CONSUL_TOKEN: 'from the environment'.replaceAll(' ', '-'),
    });
    assert.deepEqual([material.apiTls, material.peerTls], [null, null]);
    assert.equal(material.consul.token(), 'from-the-environment');
    assert.equal(material.consul.ca(), undefined);
  });

  it('all of it is read, and the expiry told', async (t) => {
    const { cert = '', key = '', ca = '', secret = '' } = files;
    const { material, metrics } = await materialFor(t, {
      DLOG_API_TLS_CERT_FILE: cert,
      DLOG_API_TLS_KEY_FILE: key,
      DLOG_PEER_TLS_CERT_FILE: cert,
      DLOG_PEER_TLS_KEY_FILE: key,
      DLOG_PEER_TLS_CA_FILE: ca,
      DLOG_CONSUL_CA_FILE: ca,
      DLOG_CONSUL_TOKEN_FILE: secret,
    });
    assert.match(material.apiTls?.().cert ?? '', /BEGIN CERTIFICATE/);
    assert.equal(material.peerTls?.().ca, authority.ca);
    assert.equal(material.peerTls?.(), material.peerTls?.(), 'the same object while it is the same');
    assert.equal(material.consul.token(), 'a-consul-token');
    assert.equal(material.consul.ca(), authority.ca);
    const { values } = await metrics.tlsExpiry.get();
    assert.deepEqual(values.map(({ labels }) => labels.use).sort(), ['api', 'peer']);
    for (const { value } of values) assert.ok(value > Date.now() / 1000);
  });

  it('one that has expired is used, and told', async (t) => {
    const pair = await authority.certificate('late', { expired: true });
    const { certFile, keyFile } = await putPair(directory, 'late', pair);
    const { material } = await materialFor(t, {
      DLOG_API_TLS_CERT_FILE: certFile,
      DLOG_API_TLS_KEY_FILE: keyFile,
    });
    assert.equal(material.apiTls?.().cert, pair.cert);
    assert.match(lines.join(''), /A certificate has expired on \d{4}-/);
  });

  const wrong: [what: string, environment: Record<string, string>, problem: RegExp][] = [
    [
      'a certificate without its key',
      { API_TLS_CERT: 'cert' },
      /DLOG_API_TLS_KEY_FILE must be set where DLOG_API_TLS_CERT_FILE is set/,
    ],
    [
      'a key without its certificate',
      { API_TLS_KEY: 'key' },
      /DLOG_API_TLS_CERT_FILE must be set where DLOG_API_TLS_KEY_FILE is set/,
    ],
    [
      'peers without authorities',
      { PEER_TLS_CERT: 'cert', PEER_TLS_KEY: 'key' },
      /DLOG_PEER_TLS_CA_FILE must be set where DLOG_PEER_TLS_CERT_FILE and DLOG_PEER_TLS_KEY_FILE is set/,
    ],
    [
      'a certificate that is none',
      { API_TLS_CERT: 'bad', API_TLS_KEY: 'key' },
      /DLOG_API_TLS_CERT_FILE: .*bad holds no certificate in PEM/,
    ],
    [
      'a key of another',
      { API_TLS_CERT: 'cert', API_TLS_KEY: 'otherKey' },
      /DLOG_API_TLS_CERT_FILE: the key in .*other\.key is not that/,
    ],
    [
      'authorities that are none',
      { PEER_TLS_CERT: 'cert', PEER_TLS_KEY: 'key', PEER_TLS_CA: 'bad' },
      /DLOG_PEER_TLS_CERT_FILE: .*bad holds no certificate/,
    ],
    [
      'authorities of Consul that are none',
      { CONSUL_CA: 'bad' },
      /DLOG_CONSUL_CA_FILE: .*bad holds no certificate/,
    ],
    [
      'an empty file for a token',
      { CONSUL_TOKEN: 'empty' },
      /DLOG_CONSUL_TOKEN_FILE: .*empty does not hold one word/,
    ],
  ];
  for (const [what, environment, problem] of wrong)
    it(`${what} is a wrong configuration`, async (t) => {
      const named = Object.entries(environment).map(([name, file]) => [
        `DLOG_${name}_FILE`,
        files[file] as string,
      ]);
      await assert.rejects(materialFor(t, Object.fromEntries(named)), (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, problem);
        return true;
      });
    });

  it('two ways to give one token, and an API URL in the clear, are refused', async (t) => {
    const { cert = '', key = '', secret = '' } = files;
    await assert.rejects(
      materialFor(t, { DLOG_CONSUL_TOKEN: 'x', DLOG_CONSUL_TOKEN_FILE: secret }),
      /DLOG_CONSUL_TOKEN and DLOG_CONSUL_TOKEN_FILE/,
    );
    await assert.rejects(
      materialFor(t, {
        DLOG_API_TLS_CERT_FILE: cert,
        DLOG_API_TLS_KEY_FILE: key,
        DLOG_API_URL: 'http://logger-0:8080',
      }),
      /DLOG_API_URL is http:\/\/logger-0:8080, but the API is HTTPS/,
    );
  });
});
