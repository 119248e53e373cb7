import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { TlsMaterial } from '../../../src/replication/index.ts';
import { Authority } from '../../support/authority.ts';
import { until } from '../../support/until.ts';
import { ack, linked, Node, QUIET_BEAT } from './nodes.ts';

describe('with TLS', () => {
  let good: TlsMaterial;
  let foreign: TlsMaterial;
  let late: TlsMaterial;
  let elsewhere: TlsMaterial;
  before(async () => {
    const [ours, theirs] = [await Authority.make('ours'), await Authority.make('theirs')];
    good = { ca: ours.ca, ...(await ours.certificate('logger')) };
    foreign = { ca: theirs.ca, ...(await theirs.certificate('foreigner')) };
    late = { ca: ours.ca, ...(await ours.certificate('logger', { expired: true })) };
    elsewhere = { ca: ours.ca, ...(await ours.certificate('logger', { names: ['elsewhere'] })) };
  });

  it('links and heartbeats stand between loggers of one authority', async (t) => {
    const [a, b] = [
      await Node.create(t, 'a', { tls: () => good }),
      await Node.create(t, 'b', { tls: () => good }),
    ];
    for (const node of [a, b]) {
      node.start(a.address, b.address);
      node.transport.setBeat(QUIET_BEAT);
    }
    await linked(a, b);
    const batch = Buffer.alloc(5_000_000, 'x');
    const batches = {
      type: 'batches',
      epoch: 1,
      stream: 1,
      from: 0,
      end: 1,
      commit: 0,
      first: 0,
      batches: [batch],
    } as const;
    a.transport.send(a.to(b), batches);
    a.transport.send(a.to(b), ack(1));
    await until('both arrived', () => b.messages().length === 2);
    assert.deepEqual(b.messages(), [batches, ack(1)]);
    await until('beats arrived', () => a.beats.has('uid-b') && b.beats.has('uid-a'));
  });

  const strangers: [string, () => (() => TlsMaterial) | null][] = [
    ['a certificate of another authority', () => () => foreign],
    ['the right authority but a certificate of another', () => () => ({ ...foreign, ca: good.ca })],
    ['a certificate that has expired', () => () => late],
    ['no TLS', () => null],
  ];
  for (const [what, tls] of strangers)
    it(`nobody gets in with ${what}`, async (t) => {
      const a = (await Node.create(t, 'a', { tls: () => good })).start();
      const b = await Node.create(t, 'b', { tls: tls() });
      b.start(a.address);
      await until('both sides tell', () => a.logged.length > 0 && b.logged.length > 0);
      a.transport.setPeers([b.address]);
      await until('dialling the other way fails too', () =>
        a.logged.some(({ text }) => text === 'cannot reach a logger'),
      );
      assert.equal(a.count('connected') + b.count('connected'), 0);
    });

  const refused: [string, (ca: string) => () => TlsMaterial, RegExp][] = [
    ['of another authority', (ca) => () => ({ ...foreign, ca }), /not valid here: \w+/],
    ['that has expired', (ca) => () => ({ ...late, ca }), /not valid here: CERT_HAS_EXPIRED/],
  ];
  for (const [what, tls, problem] of refused)
    it(`a logger with a certificate ${what} is refused, told and counted`, async (t) => {
      const a = (await Node.create(t, 'a', { tls: () => good })).start();
      const b = await Node.create(t, 'b', { tls: tls(good.ca) });
      b.start(a.address);
      await until('it is told', () => a.logged.length > 0);
      const [{ fields, text }] = a.logged as [{ fields: Record<string, unknown>; text: string }];
      assert.equal(text, 'refused a connection: its TLS handshake failed');
      assert.match(String(fields.problem), problem);
      assert.ok(a.tls.failures > 0);
    });

  const bare: [string, (port: number) => Socket, RegExp][] = [
    [
      'no certificate',
      (port) => connectTls({ port, host: '127.0.0.1', ca: good.ca }),
      /showed no certificate/,
    ],
    [
      'no TLS',
      (port) => connect(port, '127.0.0.1').end('hello, this is no TLS at all'),
      /does not speak TLS/,
    ],
    [
      'an old TLS',
      (port) => connectTls({ port, host: '127.0.0.1', ...good, maxVersion: 'TLSv1.2' }),
      /does not speak TLS 1.3/,
    ],
  ];
  for (const [what, dial, problem] of bare)
    it(`whoever comes with ${what} to either listener is refused, told and counted`, async (t) => {
      const a = (await Node.create(t, 'a', { tls: () => good })).start();
      const { port, beatPort } = a.transport.address();
      for (const each of [port, beatPort]) {
        const before = a.tls.failures;
        const socket = dial(each).on('error', () => {});
        await until('it is counted', () => a.tls.failures === before + 1);
        socket.destroy();
      }
      await until('both listeners tell', () => a.logged.length === 2);
      for (const { fields } of a.logged) assert.match(String(fields.problem), problem);
    });

  it('whoever begins no handshake, or only half of one, is cut off by either listener', async (t) => {
    const a = (await Node.create(t, 'a', { tls: () => good })).start();
    const { port, beatPort } = a.transport.address();
    const silent = [port, beatPort].flatMap((each) => {
      const half = connect(each, '127.0.0.1');
      half.write(Buffer.from('16030102000100', 'hex'));
      return [connect(each, '127.0.0.1'), half];
    });
    for (const socket of silent) socket.on('error', () => {}).resume();
    try {
      await until('all are closed', () => silent.every(({ closed }) => closed));
    } finally {
      for (const socket of silent) socket.destroy();
    }
    assert.equal(a.tls.failures, 4);
  });

  it('a listener whose certificate names another host is not believed', async (t) => {
    const a = await Node.create(t, 'a', { tls: () => good });
    const b = (await Node.create(t, 'b', { tls: () => elsewhere })).start();
    a.start(b.address);
    await until('it is told', () => a.logged.length > 0);
    assert.equal(a.logged[0]?.text, 'cannot reach a logger');
    assert.match(String(a.logged[0]?.fields.error), /does not match certificate/);
  });

  it('renewed certificates are used from the next connection on', async (t) => {
    let mine = good;
    const a = (await Node.create(t, 'a', { tls: () => mine })).start();
    const b = (await Node.create(t, 'b', { tls: () => foreign })).start(a.address);
    a.transport.setBeat(QUIET_BEAT);
    await until('the other is refused', () => b.logged.length > 0);
    mine = foreign;
    await linked(a, b);
    await until('heartbeats stand too', () => b.beats.has('uid-a'));
  });

  it('certificates that are none are told at once', async (t) => {
    await assert.rejects(Node.create(t, 'a', { tls: () => ({ ca: 'x', cert: 'x', key: 'x' }) }));
  });
});
