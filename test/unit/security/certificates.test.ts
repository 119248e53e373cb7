// Certificates from files: what is taken, what is refused and how it is told.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readAuthorities, readCertificate } from '../../../src/security/index.ts';
import { Authority, putFile, putPair } from '../../support/authority.ts';

describe('certificates from files', () => {
  let directory: string;
  let ours: Authority;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'distributed-logger-certificates-'));
    ours = await Authority.make('ours');
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('a certificate and its key are read, and are the same while the files are', async () => {
    const pair = await ours.certificate('logger');
    const files = await putPair(directory, 'good', pair);
    const read = await readCertificate(files);
    assert.equal(read.cert, pair.cert);
    assert.equal(read.key, pair.key);
    assert.ok(read.expiresMs > Date.now());
    assert.equal(await readCertificate(files, read), read);
    await putPair(directory, 'good', await ours.certificate('logger'));
    assert.notEqual(await readCertificate(files, read), read);
  });

  it('a chain expires with the first of its certificates', async () => {
    const pair = await ours.certificate('logger');
    const early = await ours.certificate('intermediate', { expired: true });
    const files = await putPair(directory, 'chain', { ...pair, cert: pair.cert + early.cert });
    assert.ok((await readCertificate(files)).expiresMs < Date.now());
  });

  it('what cannot work is refused, and the file named', async () => {
    const [one, other] = [await ours.certificate('one'), await ours.certificate('other')];
    const cases: [pair: { cert: string; key: string }, problem: RegExp][] = [
      [{ ...one, cert: 'x' }, /bad\.crt holds no certificate in PEM/],
      [{ ...one, cert: one.cert.replace(/MII/, 'XXX') }, /bad\.crt holds what is no certificate/],
      [{ ...one, key: one.cert }, /bad\.key holds no private key/],
      [{ ...one, key: other.key }, /the key in .*bad\.key is not that of the certificate in .*bad\.crt/],
      [{ ...one, cert: 'x'.repeat(5_000_000) }, /bad\.crt is larger than/],
    ];
    for (const [pair, problem] of cases)
      await assert.rejects(readCertificate(await putPair(directory, 'bad', pair)), problem);
    await assert.rejects(readCertificate({ certFile: join(directory, 'none'), keyFile: 'none' }), /ENOENT/);
  });

  it('authorities are one certificate or several', async () => {
    const file = join(directory, 'ca.crt');
    await putFile(file, ours.ca);
    const one = await readAuthorities(file);
    assert.equal(await readAuthorities(file, one), one);
    await putFile(file, ours.ca + (await Authority.make('theirs')).ca);
    assert.notEqual(await readAuthorities(file, one), one);
    for (const content of ['', 'x', ours.ca.replace(/MII/, 'XXX')]) {
      await putFile(file, content);
      await assert.rejects(readAuthorities(file, one), /ca\.crt holds/);
    }
  });
});
