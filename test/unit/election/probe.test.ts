import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answersAs } from '../../../src/election/probe.ts';
import { startApi } from '../../support/api.ts';
import { Authority } from '../../support/authority.ts';
import { deadUrl, type ScriptedAnswer, scriptedServer } from './scripted-server.ts';

const identity = { cluster: 'c', id: 'a', uid: 'u', process: 'p' };

describe('asking a logger whether it lives', () => {
  it('believes only that very logger', async (t) => {
    const cases: [ScriptedAnswer, boolean][] = [
      [{ status: 200, json: { id: 'a', cluster: 'c', role: 'leader' } }, true],
      [{ status: 200, json: { id: 'a' } }, false],
      [{ status: 200, json: { id: 'b', cluster: 'c' } }, false],
      [{ status: 200, json: { id: 'a', cluster: 'another' } }, false],
      [{ status: 200, json: null }, false],
      [{ status: 200, text: '<html>' }, false],
      [{ status: 503, json: { id: 'a', cluster: 'c' } }, false],
      ['drop', false],
    ];
    for (const [answer, lives] of cases) {
      const server = await scriptedServer(t, ({ path }) => (path === '/livez' ? answer : { status: 404 }));
      assert.equal(await answersAs({ ...identity, api: server.url }), lives, JSON.stringify(answer));
    }
  });

  it('asks over TLS too, whoever has signed the certificate', async (t) => {
    const tls = await (await Authority.make('any')).certificate('logger');
    const { url, service } = await startApi(t, { tls: () => tls });
    const { id, cluster } = service.status();
    assert.equal(await answersAs({ ...identity, id, cluster, api: url }), true);
    assert.equal(await answersAs({ ...identity, id, cluster: 'another', api: url }), false);
  });

  it('takes silence for absence, after a second try', async (t) => {
    const server = await scriptedServer(t, () => 'hang');
    assert.equal(await answersAs({ ...identity, api: server.url }), false);
    assert.equal(server.requests.length, 2);
    assert.equal(await answersAs({ ...identity, api: await deadUrl() }), false);
  });

  it('does not read an endless answer', async (t) => {
    const text = `{"id":"a","cluster":"c","padding":"${'x'.repeat(300 * 1024)}"}`;
    const server = await scriptedServer(t, () => ({ status: 200, text }));
    assert.equal(await answersAs({ ...identity, api: server.url }), false);
  });
});
