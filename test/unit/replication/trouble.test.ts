import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { HELLO_BYTES_MAX } from '../../../src/replication/limits.ts';
import { Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { ack, linked, Node, type Owner } from './nodes.ts';
import { connectTo, helloOf, speak } from './speaker.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** A node that decides, with a link to another that must outlive the trouble. */
async function bystander(t: Parameters<typeof Node.create>[0]): Promise<{ a: Node; b: Node }> {
  const a = (await Node.create(t, 'a', { uid: 'uid-a' })).start();
  const b = (await Node.create(t, 'b')).start(a.address);
  await linked(a, b);
  return { a, b };
}

describe('nonsense', () => {
  const messages: [string, object, Buffer[]][] = [
    ['a message of unknown type', { type: 'nack' }, []],
    ['a field of a wrong kind', { type: 'confirm', claim: { epoch: 1, incarnation: 'i' }, round: '1' }, []],
    ['payload where none belongs', ack(1), [Buffer.from('more')]],
    ['a second hello', { type: 'hello' }, []],
    [
      'payload of another size',
      { type: 'restart', epoch: 1, stream: 1, first: 0, pairs: [], producers: 9 },
      [],
    ],
  ];
  for (const [what, header, payload] of messages)
    it(`on a link ends it: ${what}`, async (t) => {
      const { a, b } = await bystander(t);
      const speaker = await speak(t, a);
      await until('the stranger is linked', () => a.links.has('uid-stranger'));
      speaker.say(header, payload);
      await until('its link ends', () => a.count('disconnected') === 1 && speaker.ended());
      assert.deepEqual(a.endings, ['malformed']);
      assert.equal(a.count('message'), 0);
      const told = a.logged.find(({ fields }) => fields.reason === 'malformed');
      assert.equal(typeof told?.fields.detail, 'string');
      b.transport.send(b.to(a), ack(3));
      await until('others go on', () => a.count('message') === 1);
    });

  it('instead of a hello, of whatever kind, does no harm', async (t) => {
    const { a, b } = await bystander(t);
    const random = new Random(SEED);
    const hello = Object.entries(helloOf(a));
    for (let round = 0; round < 100; round += 1) {
      const speaker = await connectTo(t, a);
      if (round === 0) speaker.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      else if (round === 1) speaker.say({ ...helloOf(a), id: 'x'.repeat(HELLO_BYTES_MAX) });
      else if (round % 3 === 0)
        speaker.socket.write(Buffer.concat([random.bytes(20), Buffer.alloc(5000, 0xff)]));
      else if (round % 3 === 1)
        speaker.say(Object.fromEntries(hello.filter((_, i) => i !== round % hello.length)));
      else {
        const value = random.pick([null, -1, 'x y', 1e300, [], {}, 'x'.repeat(2000)]);
        speaker.say({ ...helloOf(a), [hello[round % hello.length]![0]]: value });
      }
      await until(
        `the connection of round ${round} (SEED=${SEED}) is closed`,
        () => speaker.ended() || a.links.has('uid-stranger'),
      );
      // A hello whose field takes the odd value is a good hello.
      speaker.socket.destroy();
      await until('its link is gone', () => !a.links.has('uid-stranger'));
    }
    assert.equal(a.count('message'), 0);
    b.transport.send(b.to(a), ack(3));
    await until('others go on', () => a.count('message') === 1);
    assert.ok(a.logged.length < 500, 'the log is bounded');
  });
});

describe('a link', () => {
  it('whose other end reads nothing is given up when too much waits', async (t) => {
    const a = (await Node.create(t, 'a', { uid: 'uid-a', sendBufferBytesMax: 8 * 1024 * 1024 })).start();
    const speaker = await speak(t, a);
    await until('it is linked', () => a.links.has('uid-stranger'));
    speaker.socket.pause();
    const batch = Buffer.alloc(1024 * 1024);
    const link = a.to('uid-stranger');
    // What a kernel takes into its buffers is a few MiB.
    for (let i = 0; i < 64; i += 1) {
      a.transport.send(link, {
        type: 'batches',
        epoch: 1,
        stream: 1,
        from: i,
        end: i + 1,
        commit: 0,
        first: 0,
        batches: [batch],
      });
      await new Promise(setImmediate);
    }
    await until('it is given up', () => a.count('disconnected') === 1);
    assert.deepEqual(a.endings, ['overflow']);
  });

  it('is kept alive when there is nothing to say, and given up when nothing is heard', async (t) => {
    const a = (await Node.create(t, 'a', { uid: 'uid-a' })).start();
    const mute = await speak(t, a);
    const alive = await speak(t, a, { id: 'other', uid: 'uid-other' });
    const saying = setInterval(() => alive.say({ type: 'keepalive' }), 100);
    t.after(() => clearInterval(saying));
    await until('both are linked', () => a.links.size === 2);
    await until('the mute one is given up', () => a.count('disconnected') === 1);
    assert.deepEqual([a.endings, a.links.has('uid-other')], [['silent'], true]);
    assert.ok(mute.heard.some(({ type }) => type === 'keepalive'));
  });

  it('is not waited for without end in its handshake', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const speaker = await connectTo(t, a);
    await until('it is closed', () => speaker.ended());
    assert.match(String(a.logged.at(-1)?.fields.detail), /no handshake within/);
  });
});

/** Forwards to `port` until told to be silent: then it swallows every byte, as a network that is cut without a word. */
async function cuttable(t: Owner, port: number): Promise<{ port: number; cut: boolean }> {
  const state = { port: 0, cut: false };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!state.cut) to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        if (!state.cut) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as AddressInfo).port;
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return state;
}

it('two loggers that were cut off from each other without a word find each other again', async (t) => {
  const b = (await Node.create(t, 'b')).start();
  const network = await cuttable(t, b.transport.address().port);
  const a = (await Node.create(t, 'a')).start({ id: 'b', peer: `127.0.0.1:${network.port}` });
  await linked(a, b);
  network.cut = true;
  await until('both give the link up', () => a.links.size === 0 && b.links.size === 0);
  assert.deepEqual([a.endings, b.endings], [['silent'], ['silent']]);
  network.cut = false;
  await linked(a, b);
  a.transport.send(a.to(b), ack(1));
  await until('messages arrive', () => b.count('message') === 1);
});

it('a port that is taken is told at once', async (t) => {
  const a = await Node.create(t, 'a');
  await assert.rejects(Node.create(t, 'b', { port: a.transport.address().port }), { code: 'EADDRINUSE' });
  await assert.rejects(
    Node.create(t, 'b', {
      listen: { host: '127.0.0.1', port: 0, beatPort: a.transport.address().beatPort },
    }),
    { code: 'EADDRINUSE' },
  );
});
