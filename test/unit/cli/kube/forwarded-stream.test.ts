// One forwarded connection as a stream: bytes in both directions, no more of them held than a stream holds, and its ends.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ForwardRefused, forward } from '../../../../src/cli/kube/forwarded-stream.ts';
import * as client from '../../../../src/kubernetes/client-node.ts';
import { KubeForwardDouble, NAMESPACE } from '../../../support/kube-forward.ts';

const BIG_BYTES = 20 * 1024 * 1024;
const HELD_BYTES_MAX = 2 * 1024 * 1024;
const never = new AbortController().signal;

async function forwarded(t: TestContext, serve: (socket: Socket) => void) {
  const server = createServer(serve);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const double = await KubeForwardDouble.start(t);
  double.pods.push({ name: 'a', ip: '10.0.0.1', port: (server.address() as { port: number }).port });
  const kubeConfig = new client.KubeConfig();
  double.load(kubeConfig);
  const open = (pod = 'a', signal = never): Promise<Duplex> =>
    forward(client, kubeConfig, { namespace: NAMESPACE, pod, port: 8080 }, signal);
  return { double, open };
}

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

test('what is sent comes back as it was, however large', async (t) => {
  const { open } = await forwarded(t, (socket) => void socket.pipe(socket));
  const stream = await open();
  const data = randomBytes(3_000_000);
  stream.write(data.subarray(0, 10));
  stream.write(data.subarray(10));
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    received += (chunk as Buffer).length;
    if (received === data.length) break;
  }
  assert.equal(digest(Buffer.concat(chunks)), digest(data));
});

test('nobody reads: the connection waits, and nothing gathers here', async (t) => {
  const data = randomBytes(BIG_BYTES);
  const { open } = await forwarded(t, (socket) => void socket.end(data));
  const stream = await open();
  stream.once('readable', () => {});
  await sleep(500);
  assert.ok(stream.readableLength > 0);
  assert.ok(stream.readableLength < HELD_BYTES_MAX, `${stream.readableLength} bytes are held`);
  stream.removeAllListeners('readable');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  assert.equal(digest(Buffer.concat(chunks)), digest(data));
});

test('the other end closes; the forward breaks; this end gives up', async (t) => {
  const sockets: Socket[] = [];
  const { double, open } = await forwarded(t, (socket) => void sockets.push(socket));
  const ended = await open();
  ended.resume();
  await sleep(50);
  sockets[0]?.end();
  await once(ended, 'end');
  const broken = await open();
  broken.resume();
  double.cutAll();
  await once(broken, 'close');
  const mine = await open();
  await sleep(50);
  const other = sockets.at(-1) as Socket;
  mine.destroy();
  await once(other.resume(), 'close');
});

test('a forward that is refused or takes too long', async (t) => {
  const { double, open } = await forwarded(t, () => {});
  await assert.rejects(open('b'), (error) => error instanceof ForwardRefused && error.status === 404);
  double.forwardFault = 'hang';
  await assert.rejects(open('a', AbortSignal.timeout(50)), { name: 'TimeoutError' });
  await assert.rejects(open('a', AbortSignal.abort(new Error('over'))), /over/);
});
