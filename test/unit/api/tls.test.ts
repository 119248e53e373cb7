// The API over TLS: the same answers, certificates that change while it runs, and connections that never become any.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type RunningApi, startApi, until } from '../../support/api.ts';
import { Authority, type Pair } from '../../support/authority.ts';

const LIVEZ = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';

describe('the API over TLS', () => {
  let authority: Authority;
  let first: Pair;
  let second: Pair;
  before(async () => {
    authority = await Authority.make('ours');
    first = await authority.certificate('first');
    second = await authority.certificate('second');
  });

  /** A connection, its handshake done. */
  async function dial(t: TestContext, { port }: RunningApi): Promise<TLSSocket & { text: string }> {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca });
    t.after(() => socket.destroy());
    const kept = Object.assign(socket, { text: '' });
    socket.on('data', (chunk) => {
      kept.text += chunk;
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return kept;
  }

  const nameOn = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;

  it('answers whoever trusts its authority, probes and metrics too', async (t) => {
    const api = await startApi(t, { tls: () => first });
    assert.match(api.url, /^https:\/\/127\.0\.0\.1:/);
    const agent = new Agent({ ca: authority.ca, keepAlive: true });
    t.after(() => agent.destroy());
    for (const path of ['/livez', '/readyz', '/metrics', '/api/v1/status', '/'])
      await new Promise<void>((resolve, reject) => {
        get(`${api.url}${path}`, { agent }, (response) => {
          assert.equal(response.statusCode, 200, path);
          response.resume().once('end', resolve);
        }).once('error', reject);
      });
    assert.equal(api.api.connections, 1);
    assert.equal(api.tlsFailures(), 0);
  });

  it('new connections are made with the new certificate, those that stand go on', async (t) => {
    let tls = first;
    const api = await startApi(t, { tls: () => tls });
    const old = await dial(t, api);
    assert.equal(nameOn(old), 'first');
    tls = second;
    const fresh = await dial(t, api);
    assert.equal(nameOn(fresh), 'second');
    for (const socket of [old, fresh]) {
      socket.write(LIVEZ);
      await until('it is answered', () => socket.text.startsWith('HTTP/1.1 200'));
    }
  });

  it('a handshake that fails is counted, and its connection closed', async (t) => {
    const api = await startApi(t, { tls: () => first });
    const plain = connectPlain(api.port, '127.0.0.1').on('error', () => {});
    plain.write(LIVEZ);
    await until('plain HTTP is turned away', () => plain.closed);
    assert.equal(api.tlsFailures(), 1);
    const old = connect({ port: api.port, host: '127.0.0.1', maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    await assert.rejects(once(old, 'secureConnect'));
    await until('an old TLS is turned away', () => api.tlsFailures() === 2);
    const distrusting = connect({ port: api.port, host: '127.0.0.1' });
    await assert.rejects(once(distrusting, 'secureConnect'), /unable to verify|self-signed/);
    await until('nothing is left', () => api.api.connections === 0);
    assert.equal(api.requests.length, 0);
  });

  it('a handshake that drips in, or never begins, is cut off', async (t) => {
    const api = await startApi(t, { tls: () => first, bounds: { tlsHandshakeTimeoutMs: 150 } });
    const silent = connectPlain(api.port, '127.0.0.1').on('error', () => {});
    const dripping = connectPlain(api.port, '127.0.0.1').on('error', () => {});
    const hello = Buffer.from('16030102000100', 'hex');
    let sent = 0;
    const drip = setInterval(() => {
      if (sent < hello.length) dripping.write(hello.subarray(sent, sent + 1));
      sent += 1;
    }, 40);
    t.after(() => clearInterval(drip));
    await until('both are seen', () => api.api.connections === 2);
    await until('both are closed', () => silent.closed && dripping.closed);
    assert.equal(api.tlsFailures(), 2);
    assert.equal(api.api.connections, 0);
  });

  it('slow clients are cut off as they are without TLS: header fields that drip in, a reader that takes nothing', async (t) => {
    const api = await startApi(t, {
      tls: () => first,
      bounds: { headersTimeoutMs: 100, stallTimeoutMs: 300, heartbeatMs: 50, lingerMs: 50 },
    });
    const dripping = await dial(t, api);
    dripping.write('POST /api/v1/log HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => dripping.write('A: b\r\n'), 20);
    t.after(() => clearInterval(drip));
    await until('it is answered', () => dripping.text.startsWith('HTTP/1.1 408 '));
    const stalled = await dial(t, api);
    stalled.pause();
    stalled.write('GET /api/v1/log HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
    await until('it is a reader', () => api.readers() === 1);
    // 20 MB: far more than the kernel's buffers hold.
    api.service.fill(...Array(2000).fill('x'.repeat(10_000)));
    await until('the reader is closed', () => api.readers() === 0);
  });

  it('connections are bounded from their first byte on, whether or not their handshake is done', async (t) => {
    const api = await startApi(t, { tls: () => first, bounds: { maxConnections: 2, spareConnections: 1 } });
    const silent = [0, 1].map(() => connectPlain(api.port, '127.0.0.1').on('error', () => {}));
    await until('both are seen', () => api.api.connections === 2);
    const third = connectPlain(api.port, '127.0.0.1').on('error', () => {});
    await until('the spare one is seen', () => api.api.connections === 3);
    const probe = await dial(t, api);
    await until('the silent spare one is closed', () => third.closed);
    probe.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('a probe is answered', () => probe.text.startsWith('HTTP/1.1 200 '));
    for (const socket of silent) socket.destroy();
  });

  it('closing waits for no handshake, and for answers under way', async (t) => {
    const api = await startApi(t, { tls: () => first });
    api.service.commitsAtOnce = false;
    const silent = connectPlain(api.port, '127.0.0.1').on('error', () => {});
    const idle = await dial(t, api);
    const busy = await dial(t, api);
    busy.write(
      'POST /api/v1/log HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx',
    );
    await until('it is appended', () => api.service.values.length === 1 && api.api.connections === 3);
    const closed = api.api.close(60_000);
    await until('what is idle is closed', () => silent.closed && idle.closed);
    api.service.commitTo();
    await closed;
    assert.match(busy.text, /^HTTP\/1\.1 200 /);
  });
});
