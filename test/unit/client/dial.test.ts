// Connections that the caller makes: plain, under TLS, refused, late.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Http, type HttpResponse, readBody } from '../../../src/client/http.ts';
import { type Dial, LogClient, Producer } from '../../../src/client/index.ts';
import { startApi } from '../../support/api.ts';
import { Authority } from '../../support/authority.ts';
import { until } from '../../support/until.ts';

/** Only a stream, as a tunnel gives it: nothing of a socket but its bytes. */
const bare = (port: number): Duplex => {
  const socket = connect(port, '127.0.0.1');
  return Duplex.from({ readable: socket, writable: socket });
};
const patience = { timeoutMs: 5000, signal: new AbortController().signal };

test('every connection is dialled, by the names that the loggers have', async (t) => {
  const api = await startApi(t);
  const dialled: string[] = [];
  const dial: Dial = async (host, port) => {
    dialled.push(`${host}:${port}`);
    return bare(api.port);
  };
  const producer = new Producer({ target: 'http://logger.inside', dial });
  t.after(() => producer.close());
  await producer.send('x'.repeat(10_000));
  await Promise.all(Array.from({ length: 20 }, (_, number) => producer.send(String(number))));
  assert.equal(api.service.values.length, 21);
  assert.equal((await producer.client.read()).records.length, 21);
  // What a logger calls itself may be dialled too, when it takes a while to answer.
  assert.equal(dialled[0], 'logger.inside:80');
  assert.ok(
    dialled.every((address) => ['logger.inside:80', '127.0.0.1:8080'].includes(address)),
    dialled.join(),
  );
});

test('one that is refused is tried again; one that is late is given up, and closed when it comes', async (t) => {
  const api = await startApi(t);
  const details: string[] = [];
  let late: Duplex | null = null;
  const steps: Dial[] = [
    async () => {
      throw new Error('no way');
    },
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      late = new PassThrough();
      return late;
    },
  ];
  const client = new LogClient({
    target: 'http://logger.inside:81',
    connectTimeoutMs: 50,
    dial: (...args) => steps.shift()?.(...args) ?? Promise.resolve(bare(api.port)),
    onRetry: ({ reason, detail }) => void details.push(`${reason}: ${detail}`),
  });
  t.after(() => client.close());
  assert.equal((await client.status()).id, 'logger-0');
  assert.deepEqual(details, [
    'connect-failed: no connection to logger.inside:81: no way',
    'connect-failed: no connection to logger.inside:81: none within 50 ms',
  ]);
  await until('the late one is closed', () => late?.destroyed === true);
});

test('TLS goes on top, with the name of the URL', async (t) => {
  const authority = await Authority.make('inside');
  const pair = await authority.certificate('logger', { names: ['logger.inside'] });
  const server = createServer(pair, (_, response) => response.end('hello'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = async (url: string, ca?: string): Promise<string> => {
    const http = new Http(2000, { token: () => '', ca: () => ca }, async () => bare(port));
    try {
      const read = async (response: HttpResponse) => (await readBody(response, 100)).toString();
      return await http.request(url, { method: 'GET', path: '/' }, patience, read);
    } finally {
      await http.close();
    }
  };
  assert.equal(await ask('https://logger.inside', authority.ca), 'hello');
  // Nobody vouches for this certificate; and it is not another's.
  await assert.rejects(ask('https://logger.inside'), /no connection to logger.inside:443: .*certificate/);
  await assert.rejects(ask('https://other.inside', authority.ca), /other.inside/);
});
