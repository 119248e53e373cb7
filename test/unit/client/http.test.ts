import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectError, Http, type HttpResponse, readBody, TimeoutError } from '../../../src/client/http.ts';
import { answer, type Owner, ScriptedLogger, silence } from './scripted-logger.ts';

const get = { method: 'GET', path: '/x' } as const;
const never = new AbortController().signal;

function httpFor(owner: Owner, connectTimeoutMs = 250): Http {
  const http = new Http(connectTimeoutMs);
  owner.after(() => http.close());
  return http;
}

test('a connection that is not made in time fails as one: nothing was sent', async (t) => {
  // TLS is never answered here, so that the connection is half made for ever.
  const sockets = new Set<Socket>();
  const mute = createServer((socket) => sockets.add(socket));
  await once(mute.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const { port } = mute.address() as AddressInfo;
  const started = performance.now();
  await assert.rejects(
    httpFor(t, 30).request(
      `https://127.0.0.1:${port}`,
      get,
      { timeoutMs: 60_000, signal: never },
      async () => 0,
    ),
    (error: unknown) => error instanceof ConnectError && /none within 30 ms/.test(error.message),
  );
  assert.ok(performance.now() - started < 30_000);
});

test('a refused connection and an unknown host fail as connections', async (t) => {
  const http = httpFor(t);
  for (const base of ['http://127.0.0.1:9', 'http://no-such-host.invalid'])
    await assert.rejects(
      http.request(base, get, { timeoutMs: 60_000, signal: never }, async () => 0),
      ConnectError,
    );
});

test('the deadline covers head and body', async (t) => {
  const beginsOnly = ({ response }: Parameters<typeof silence>[0]): void => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('half');
  };
  for (const step of [silence, beginsOnly]) {
    const { url } = await ScriptedLogger.start(t, [step]);
    const limits = { timeoutMs: 40, signal: never };
    await assert.rejects(
      httpFor(t).request(url, get, limits, (response) => readBody(response, 100)),
      TimeoutError,
    );
  }
});

test('a signal ends a request with its reason', async (t) => {
  const { url } = await ScriptedLogger.start(t, [silence]);
  const reason = new Error('enough');
  const controller = new AbortController();
  const ended = assert.rejects(
    httpFor(t).request(url, get, { timeoutMs: 60_000, signal: controller.signal }, async () => 0),
    (error: unknown) => error === reason,
  );
  controller.abort(reason);
  await ended;
});

test('an answer longer than allowed is not read to its end', async (t) => {
  const { url } = await ScriptedLogger.start(t, [answer(200, 'x'.repeat(1000))]);
  await assert.rejects(
    httpFor(t).request(url, get, { timeoutMs: 60_000, signal: never }, (response) => readBody(response, 999)),
    /longer than 999 bytes/,
  );
});

test('a base URL may have a path', async (t) => {
  const logger = await ScriptedLogger.start(t, [answer(200, 'ok')]);
  const limits = { timeoutMs: 60_000, signal: never };
  await httpFor(t).request(`${logger.url}/logs/`, get, limits, (response) => readBody(response, 10));
  assert.equal(logger.received[0]?.url, '/logs/x');
});

test('who reads slowly stops the other side, and gets every byte', async (t) => {
  const totalBytes = 32 * 1024 * 1024;
  let sentBytes = 0;
  const { url } = await ScriptedLogger.start(t, [
    ({ response }) => {
      response.writeHead(200, { 'content-length': String(totalBytes) });
      const more = (): void => {
        while (sentBytes < totalBytes) {
          sentBytes += 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024, sentBytes / (64 * 1024)))) return;
        }
        response.end();
      };
      response.on('drain', more);
      more();
    },
  ]);
  const readAll = async ({ body }: HttpResponse): Promise<number> => {
    let lastSent = -1;
    while (lastSent !== sentBytes) {
      lastSent = sentBytes;
      await sleep(300); // what the kernel holds of a connection is full by then
    }
    assert.ok(sentBytes < totalBytes, 'all was sent though nobody read');
    let read = 0;
    for await (const chunk of body) {
      for (const at of [0, chunk.length - 1])
        assert.equal(chunk[at], (Math.floor((read + at) / (64 * 1024)) + 1) % 256);
      read += chunk.length;
    }
    return read;
  };
  assert.equal(await httpFor(t).request(url, get, { timeoutMs: 60_000, signal: never }, readAll), totalBytes);
});

test('an answer that was cut off in its middle is not continued with the one to the request sent again', async (t) => {
  const half = '{"offset":1,';
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const again = sockets.length > 1;
    socket.on('error', () => {});
    socket.on('data', () => {
      const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n';
      socket.write(again ? `${head}${'x'.repeat(100)}` : `${head}${half}`);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = httpFor(t);
  const pipelined = { method: 'POST', path: '/x', body: Buffer.from('b'), pipelined: true } as const;
  const begun = Promise.withResolvers<void>();
  let text = '';
  const first = http.request(base, pipelined, { timeoutMs: 60_000, signal: never }, async ({ body }) => {
    for await (const chunk of body) {
      text += chunk.toString();
      begun.resolve();
    }
  });
  const other = new AbortController();
  const second = http.request(base, pipelined, { timeoutMs: 60_000, signal: other.signal }, async () => {});
  await begun.promise;
  // Its connection is closed with it, and undici sends the first one again on another.
  other.abort(new Error('enough'));
  await assert.rejects(second, /enough/);
  await assert.rejects(first, /broke in the middle of an answer/);
  assert.equal(text, half);
});

/** Two requests that the server has received, one behind the other on one connection, without an answer. */
async function twoUnanswered(t: Owner) {
  const logger = await ScriptedLogger.start(t, [silence, silence], answer(401, {}));
  const post = { method: 'POST', path: '/api/v1/log', body: Buffer.from('x'), pipelined: true } as const;
  const http = httpFor(t);
  const resent = Array.from({ length: 2 }, () =>
    http.request(logger.url, post, { timeoutMs: 60_000, signal: never }, async (response) => response.resent),
  );
  const ended = Promise.allSettled(resent);
  while (logger.received.length < 2) await new Promise(setImmediate);
  return { logger, ended };
}

test('an answer to a request that was sent again with its connection says so', async (t) => {
  const { logger, ended } = await twoUnanswered(t);
  logger.breakConnections();
  const [first, second] = await ended;
  assert.equal(first?.status, 'rejected');
  assert.deepEqual(second, { status: 'fulfilled', value: true });
});

test('a request that was sent before its connection broke does not fail as never sent', async (t) => {
  const { logger, ended } = await twoUnanswered(t);
  await logger.stop();
  for (const result of await ended) {
    assert.equal(result.status, 'rejected');
    assert.ok(!(result.reason instanceof ConnectError));
  }
});
