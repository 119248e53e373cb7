import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TlsMaterial } from '../../../src/replication/index.ts';
import { until } from '../../support/until.ts';
import { ack, linked, Node, QUIET_BEAT } from './nodes.ts';

const dir = mkdtempSync(join(tmpdir(), 'distributed-logger-tls-'));
const openssl = (...args: readonly string[]): void =>
  void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

function authority(ca: string): void {
  openssl(
    'req',
    '-x509',
    ...EC,
    '-keyout',
    `${ca}.key`,
    '-out',
    `${ca}.pem`,
    '-subj',
    `/CN=${ca}`,
    '-days',
    '2',
  );
}

function certificate(ca: string, name: string): TlsMaterial {
  openssl(
    'req',
    '-x509',
    ...EC,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
    '-CA',
    `${ca}.pem`,
    '-CAkey',
    `${ca}.key`,
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:false',
  );
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8');
  return { ca: read(`${ca}.pem`), cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

describe('with TLS', () => {
  let good: TlsMaterial;
  let foreign: TlsMaterial;
  before(() => {
    authority('ours');
    authority('theirs');
    good = certificate('ours', 'logger');
    foreign = certificate('theirs', 'foreigner');
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

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
