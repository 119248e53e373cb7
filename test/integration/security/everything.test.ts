// Everything on, with real processes and a real Consul: TLS for the API, between the loggers and to Consul, tokens for the API
// and for Consul. A producer is at work all the while, through failovers, new certificates, a new authority and a new
// Consul token, and in the end every logger holds what was acknowledged, once and in order.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';
import { Http, readBody } from '../../../src/client/http.ts';
import { accessOf } from '../../../src/client/settings.ts';
import { Authority, type Pair, putFile, putPair } from '../../support/authority.ts';
import { eventually } from '../../support/eventually.ts';
import type { LoggerProcess } from '../../support/logger-process.ts';
import { Loggers } from '../../support/loggers.ts';
import {
  type AclToken,
  documentedRules,
  type SecureConsul,
  secureConsul,
} from '../../support/secure-consul.ts';
import { SteadyProducer } from '../../support/steady-producer.ts';

const TOKEN = 'a-token-for-everything-in-this-test';
const NEVER = new AbortController().signal;

/** What one test works with: files that it replaces, loggers that read them. */
interface Scene {
  readonly consul: SecureConsul;
  readonly loggers: Loggers;
  readonly put: (name: string, content: string) => Promise<void>;
  readonly putPair: (name: string, pair: Pair) => Promise<void>;
  /** What clients trust now. */
  trusted: string;
  aclToken: AclToken;
}

async function sceneOf(t: TestContext, authority: Authority): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'distributed-logger-secure-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const at = (name: string): string => join(directory, name);
  const put = (name: string, content: string): Promise<void> => putFile(at(name), content);
  const consulAuthority = await Authority.make('consul authority');
  const consul = await secureConsul(t, consulAuthority);
  await mkdir(at('tokens'));
  for (const role of ['produce', 'read', 'operate']) await put(`tokens/${role}`, TOKEN);
  await put('consul-ca.crt', consulAuthority.ca);
  await put('peer-ca.crt', authority.ca);
  for (const name of ['api', 'peer'])
    await putPair(directory, name, await authority.certificate(`${name} 1`));
  const loggers = await Loggers.make(t, {
    consulUrls: [consul.url],
    access: { token: TOKEN, ca: () => scene.trusted },
    environment: {
      DLOG_API_TLS_CERT_FILE: at('api.crt'),
      DLOG_API_TLS_KEY_FILE: at('api.key'),
      DLOG_PEER_TLS_CERT_FILE: at('peer.crt'),
      DLOG_PEER_TLS_KEY_FILE: at('peer.key'),
      DLOG_PEER_TLS_CA_FILE: at('peer-ca.crt'),
      DLOG_CONSUL_CA_FILE: at('consul-ca.crt'),
      DLOG_CONSUL_TOKEN_FILE: at('consul-token'),
      DLOG_API_TOKENS_DIR: at('tokens'),
    },
  });
  const aclToken = await consul.token((await documentedRules(loggers.cluster)).join('\n'));
  await put('consul-token', aclToken.secret);
  const scene: Scene = {
    consul,
    loggers,
    put,
    putPair: async (name, pair) => void (await putPair(directory, name, pair)),
    trusted: authority.ca,
    aclToken,
  };
  return scene;
}

/** The certificate that a listener shows now. */
function shownAt(port: number, ca: string, pair: Partial<Pair> = {}): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca, ...pair }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    }).once('error', reject);
  });
}

const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1]);
const said = (logger: LoggerProcess, line: RegExp): boolean => logger.lines.some((one) => line.test(one));

/** Every logger has read what was put in place since `from`, counted in lines. */
const readAnew = (
  loggers: Loggers,
  what: string,
  since: ReadonlyMap<LoggerProcess, number>,
): Promise<unknown> =>
  eventually(`${what} was read anew everywhere`, () =>
    loggers.all.every(({ lines }, at) =>
      lines
        .slice(since.get(loggers.all[at] as LoggerProcess))
        .some((line) => line.includes(`${what}: read anew`)),
    ),
  );

const linesNow = (loggers: Loggers) => new Map(loggers.all.map((logger) => [logger, logger.lines.length]));

async function metric({ api }: LoggerProcess, line: string, ca: string): Promise<number> {
  const http = new Http(5_000, accessOf({ ca, token: TOKEN }));
  try {
    const text = await http.request(
      api,
      { method: 'GET', path: '/metrics' },
      { timeoutMs: 5_000, signal: NEVER },
      (response) => readBody(response, 4_000_000),
    );
    const found = text
      .toString()
      .split('\n')
      .find((one) => one.startsWith(`distributed_logger_${line} `));
    return Number(found?.split(' ').at(-1));
  } finally {
    await http.close();
  }
}

describe('with everything on', () => {
  let first: Authority;
  let second: Authority;
  before(async () => {
    first = await Authority.make('first authority');
    second = await Authority.make('second authority');
  });

  it('loggers fail over, and take new certificates, a new authority and a new Consul token, with nothing lost', async (t) => {
    const scene = await sceneOf(t, first);
    const { loggers } = scene;
    for (const logger of loggers.all) logger.start();
    let leader = await loggers.inSync();
    const producer = SteadyProducer.start(t, loggers.apis, { token: TOKEN, ca: () => scene.trusted });
    await producer.more(100);

    const failover = async (): Promise<void> => {
      await leader.kill();
      await producer.more(50);
      leader.start();
      leader = await loggers.inSync();
    };
    await t.test('failover', failover);

    await t.test('new certificates of the same authority, for API and peers', async () => {
      const since = linesNow(loggers);
      await scene.putPair('api', await first.certificate('api 2'));
      await scene.putPair('peer', await first.certificate('peer 2'));
      await readAnew(loggers, 'The certificate of the API', since);
      await readAnew(loggers, 'The certificate for the other loggers', since);
      const own = await first.certificate('asking');
      for (const { api, peer } of loggers.all) {
        assert.equal((await shownAt(portOf(api), first.ca)).subject.CN, 'api 2');
        assert.equal((await shownAt(portOf(peer), first.ca, own)).subject.CN, 'peer 2');
      }
      await failover();
    });

    await t.test('a new authority, by way of both', async () => {
      let since = linesNow(loggers);
      const both = first.ca + second.ca;
      scene.trusted = both;
      await scene.put('peer-ca.crt', both);
      await readAnew(loggers, 'The certificate for the other loggers', since);
      since = linesNow(loggers);
      await scene.putPair('api', await second.certificate('api 3'));
      await scene.putPair('peer', await second.certificate('peer 3'));
      await readAnew(loggers, 'The certificate of the API', since);
      await readAnew(loggers, 'The certificate for the other loggers', since);
      since = linesNow(loggers);
      scene.trusted = second.ca;
      await scene.put('peer-ca.crt', second.ca);
      await readAnew(loggers, 'The certificate for the other loggers', since);
      await failover();
    });

    await t.test('a new Consul token, the old one revoked', async () => {
      const since = linesNow(loggers);
      const old = scene.aclToken;
      scene.aclToken = await scene.consul.token((await documentedRules(loggers.cluster)).join('\n'));
      await scene.put('consul-token', scene.aclToken.secret);
      await readAnew(loggers, 'The Consul token', since);
      await scene.consul.revoke(old);
      await failover();
    });

    await t.test('certificates that make no sense leave the last good ones in use', async () => {
      await scene.put('api.crt', 'no certificate');
      await eventually('it is told everywhere', () =>
        loggers.all.every((logger) =>
          said(logger, /The certificate of the API: .*api\.crt holds no certificate/),
        ),
      );
      for (const logger of loggers.all) {
        assert.equal((await shownAt(portOf(logger.api), second.ca)).subject.CN, 'api 3');
        assert.ok((await metric(logger, 'tls_reload_failures_total{use="api"}', second.ca)) >= 1);
        assert.ok(
          (await metric(logger, 'tls_certificate_expiry_timestamp_seconds{use="api"}', second.ca)) >
            Date.now() / 1000,
        );
      }
      await producer.more(20);
      await scene.putPair('api', await second.certificate('api 4'));
    });

    await t.test(
      'who shows peers a certificate of the old authority is refused, told and counted',
      async () => {
        const foreign = await first.certificate('stranger');
        const [logger] = loggers.all as [LoggerProcess];
        const counted = () => metric(logger, 'tls_handshake_failures_total{use="peer"}', second.ca);
        const before = await counted();
        const socket = connect({ port: portOf(logger.peer), host: '127.0.0.1', ca: second.ca, ...foreign });
        socket.on('error', () => {});
        await eventually('it is counted', async () => (await counted()) > before);
        assert.ok(said(logger, /refused a connection: its TLS handshake failed/));
        socket.destroy();
      },
    );

    await producer.stop();
    await producer.check(loggers.apis);
  });

  it('a logger that Consul refuses, or that does not trust Consul, says so', async (t) => {
    const scene = await sceneOf(t, first);
    const [logger] = scene.loggers.all as [LoggerProcess];
    await scene.put('consul-token', 'a-token-that-consul-does-not-know');
    logger.start();
    await eventually('the token is told', () =>
      said(logger, /Consul refuses this logger: .*DLOG_CONSUL_TOKEN_FILE.*docs\/how-to\/secure\.md/),
    );
    assert.equal((await logger.status())?.role, 'follower');
    // Mended while it runs, and broken in another way.
    await scene.put('consul-token', scene.aclToken.secret);
    await eventually('it is heard', () => said(logger, /Consul answers/));
    await scene.put('consul-ca.crt', first.ca);
    await eventually('the authority is told', () =>
      said(logger, /Consul does not answer: .*certificate is not trusted/),
    );
  });
});
