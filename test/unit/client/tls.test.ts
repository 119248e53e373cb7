// The client over TLS: whom it believes, and that what it says in confidence never goes out in the clear.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  ClientError,
  type ClientOptions,
  LogClient,
  Producer,
  type Retry,
} from '../../../src/client/index.ts';
import { Authority, type Pair } from '../../support/authority.ts';
import { until } from '../../support/until.ts';
import { acknowledge, answer, type Owner, redirect, ScriptedLogger, type Step } from './scripted-logger.ts';

const TOKEN = 'a-token-that-nobody-else-may-see';
const STATUS = { id: 'logger-0', role: 'follower', epoch: 1 };
const LEARN_DEADLINE_MS = 300;

describe('the client over TLS', () => {
  let ours: Authority;
  let pair: Pair;
  before(async () => {
    ours = await Authority.make('ours');
    pair = await ours.certificate('logger');
  });

  const secure = (t: Owner, script: Step[] = [], otherwise?: Step): Promise<ScriptedLogger> =>
    ScriptedLogger.start(t, script, otherwise, pair);

  function clientOf(t: Owner, options: ClientOptions): { client: LogClient; retries: Retry[] } {
    const retries: Retry[] = [];
    const onRetry = (retry: Retry): void => void retries.push(retry);
    const client = new LogClient({
      token: TOKEN,
      retryMaxMs: 20,
      connectTimeoutMs: 5_000,
      ...options,
      onRetry,
    });
    t.after(() => client.close());
    return { client, retries };
  }

  it('believes loggers of the given authority, and shows them its token', async (t) => {
    const logger = await secure(t, [answer(200, { wanted: null, members: [] })]);
    const { client } = clientOf(t, { target: logger.url, ca: ours.ca });
    await client.membership();
    assert.equal(logger.received[0]?.headers.authorization, `Bearer ${TOKEN}`);
  });

  it('sends nothing to a logger of another authority, and says why', async (t) => {
    const logger = await secure(t);
    const theirs = await Authority.make('theirs');
    for (const ca of [theirs.ca, undefined]) {
      const { client, retries } = clientOf(t, { target: logger.url, ...(ca && { ca }) });
      const signal = AbortSignal.timeout(150);
      await assert.rejects(client.membership({ signal }), { code: 'aborted', outcome: 'none' });
      assert.equal(retries[0]?.reason, 'connect-failed');
      assert.match(retries[0]?.detail ?? '', /certificate/);
    }
    assert.equal(logger.received.length, 0);
  });

  it('takes authorities that have changed for the next connection', async (t) => {
    const logger = await secure(t, [], answer(200, { wanted: null, members: [] }));
    let ca = (await Authority.make('old')).ca;
    const { client, retries } = clientOf(t, { target: logger.url, ca: () => ca });
    const asked = client.membership();
    await until('it fails', () => retries.length > 0);
    ca = ours.ca;
    await asked;
  });

  it('does not follow a redirect from https:// to http://', async (t) => {
    const open = await ScriptedLogger.start(t, [], answer(200, { wanted: null, members: [] }));
    let turn = 0;
    const spelt = (): string => {
      turn += 1;
      return turn % 2 === 0 ? open.url : open.url.replace('http', 'HTTP');
    };
    const logger = await secure(t, [], redirect(spelt));
    const { client, retries } = clientOf(t, { target: logger.url, ca: ours.ca });
    const signal = AbortSignal.timeout(300);
    await assert.rejects(client.membership({ signal }), { code: 'aborted' });
    assert.ok(retries.length > 1);
    assert.deepEqual([...new Set(retries.map(({ reason }) => reason))], ['bad-answer']);
    assert.match(retries[0]?.detail ?? '', /redirects to http:.*no https:/i);
    assert.equal(open.received.length, 0);
  });

  it('follows one to https://', async (t) => {
    const leader = await secure(t, [], answer(200, { wanted: null, members: [] }));
    for (const from of [
      await secure(
        t,
        [],
        redirect(() => leader.url),
      ),
      leader,
    ]) {
      const { client } = clientOf(t, { target: from.url, ca: ours.ca });
      await client.membership();
    }
    assert.equal(leader.received.length, 2);
  });

  it('goes to no http:// leader that a status names', async (t) => {
    const open = await ScriptedLogger.start(t);
    open.status = STATUS;
    const silent = await secure(t, [], () => {});
    silent.status = {
      ...STATUS,
      epoch: 9,
      leader: { id: 'logger-1', api: open.url },
      members: [{ api: open.url }],
    };
    const other = await secure(t, [], () => {});
    other.status = silent.status;
    const { client } = clientOf(t, { target: [silent.url, other.url], ca: ours.ca });
    const signal = AbortSignal.timeout(LEARN_DEADLINE_MS);
    await assert.rejects(client.membership({ signal }), ClientError);
    assert.equal(open.received.length, 0);
  });

  it('a producer is a client as any other', async (t) => {
    const logger = await secure(t, [], acknowledge());
    const producer = new Producer({ target: logger.url, ca: ours.ca, connectTimeoutMs: 5_000, token: TOKEN });
    t.after(() => producer.close());
    assert.equal((await producer.send('a')).offset, 0);
    assert.equal(logger.appends()[0]?.headers.authorization, `Bearer ${TOKEN}`);
  });

  it('Consul has authorities and a token of its own', async (t) => {
    const leader = await secure(t, [], answer(200, { wanted: null, members: [] }));
    const value = Buffer.from(JSON.stringify({ epoch: 1, leader: { id: 'a', api: leader.url } })).toString(
      'base64',
    );
    const authority = await Authority.make("consul's");
    const consul = await ScriptedLogger.start(
      t,
      [
        answer(200, [{ Key: 'distributed-logger/default/leader', Value: value, Session: 's' }], {
          'x-consul-index': '5',
        }),
      ],
      () => {},
      await authority.certificate('consul'),
    );
    const { client } = clientOf(t, {
      consul: { urls: [consul.url], ca: authority.ca, token: () => 'acl' },
      ca: ours.ca,
    });
    await client.membership();
    assert.equal(consul.received[0]?.headers['x-consul-token'], 'acl');
    assert.equal(consul.received[0]?.headers.authorization, undefined);
    assert.equal(leader.received[0]?.headers['x-consul-token'], undefined);
  });
});
