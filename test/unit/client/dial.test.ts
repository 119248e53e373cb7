// Connections that the caller makes: plain, under TLS, refused, late.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Http } from '../../../src/client/http.ts';
import { type Dial, LogClient, Producer } from '../../../src/client/index.ts';
import { startApi } from '../../support/api.ts';
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
  const directory = mkdtempSync(join(tmpdir(), 'dlog-dial-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
  const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=logger.inside`;
  execFileSync('openssl', [...made.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
    response.end('hello'),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const http = new Http(
    2000,
    () => '',
    async () => bare(port),
  );
  t.after(() => http.close());
  // Nobody vouches for this certificate: that it is refused for that shows how far the handshake came.
  const asked = http.request(
    'https://logger.inside',
    { method: 'GET', path: '/' },
    patience,
    async () => null,
  );
  await assert.rejects(asked, /no connection to logger.inside:443: self-signed certificate/);
});
