import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { PAYLOAD_BYTES_MAX } from '../../../src/limits.ts';
import { until } from '../../support/until.ts';
import { ack, linked, Node } from './nodes.ts';
import { speak } from './speaker.ts';

const texts = (node: Node): string[] => node.logged.map(({ text }) => text);

describe('links', () => {
  it('one is left when both dial at once, whoever is faster, and both see it carry messages', async (t) => {
    for (let round = 0; round < 6; round += 1) {
      const a = await Node.create(t, 'a', { uid: randomUUID() });
      const b = await Node.create(t, 'b', { uid: randomUUID() });
      a.start(b.address);
      b.start(a.address);
      await until('one link is left', () => a.links.size === 1 && b.links.size === 1);
      const [toB] = a.links.values();
      const [toA] = b.links.values();
      a.transport.send(toB!, ack(1));
      b.transport.send(toA!, ack(2));
      await until('both messages arrived', () => a.messages().length === 1 && b.messages().length === 1);
      assert.deepEqual([a.messages(), b.messages()], [[ack(2)], [ack(1)]]);
      for (const node of [a, b]) {
        const open = node.count('connected') - node.count('disconnected');
        assert.equal(open, 1, 'at most one link per uid');
        assert.equal(
          node.count('connected'),
          1,
          'a link that works is not replaced by a dial of the same moment',
        );
        assert.doesNotMatch(texts(node).join(), /handshake|refused/);
      }
      await Promise.all([a.transport.close(), b.transport.close()]);
    }
  });

  it('are numbered once in the life of a process, and a restarted peer comes back by itself', async (t) => {
    const a = await Node.create(t, 'a');
    const b = await Node.create(t, 'b');
    a.start(b.address);
    b.start(a.address);
    await linked(a, b);
    const { port } = b.transport.address();
    const first = a.to(b);
    await b.transport.close();
    await until('the end is seen', () => a.count('disconnected') === 1);
    // The same id with an empty disk: another uid.
    const again = await Node.create(t, 'b', { uid: 'uid-of-a-new-disk', port });
    again.start(a.address);
    await until('it is back', () => a.links.has('uid-of-a-new-disk'));
    assert.notEqual(a.to('uid-of-a-new-disk'), first);
    assert.deepEqual(
      a.seen.map(({ what }) => what),
      ['connected', 'disconnected', 'connected'],
    );
    a.transport.send(first, ack(1));
    a.transport.send(a.to('uid-of-a-new-disk'), ack(2));
    await until('the message arrived', () => again.messages().length > 0);
    assert.deepEqual(again.messages(), [ack(2)], 'what is sent on a link that is gone goes nowhere');
  });

  it('come up within a moment once an address that refused is listened on', async (t) => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) =>
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port)),
    );
    await new Promise((resolve) => holder.close(resolve));
    const a = (await Node.create(t, 'a')).start({ id: 'b', peer: `127.0.0.1:${port}` });
    await until('dials failed', () => texts(a).includes('cannot reach a logger'));
    const b = (await Node.create(t, 'b', { port })).start();
    await until('the dialling side got through', () => a.links.has('uid-b') && b.links.has('uid-a'));
    assert.equal(
      texts(a).filter((text) => text === 'cannot reach a logger').length,
      1,
      'said once, not each time',
    );
  });

  it('are made at once to addresses that are added, and only to others', async (t) => {
    const [a, b, c] = [await Node.create(t, 'a'), await Node.create(t, 'b'), await Node.create(t, 'c')];
    b.start();
    c.start();
    a.start(a.address, { id: 'another-name-of-a', peer: a.address.peer }, b.address, b.address);
    await linked(a, b);
    a.transport.setPeers([b.address, c.address]);
    await linked(a, c);
    assert.deepEqual([a.count('connected'), a.count('disconnected')], [2, 0]);
    a.transport.setPeers([]);
    a.transport.send(a.to(b), ack(1));
    await until('a link outlives its address', () => b.messages().length === 1);
  });

  it('never call a handler from inside a call, nor after close', async (t) => {
    const [a, b] = [await Node.create(t, 'a'), await Node.create(t, 'b')];
    b.start();
    a.start(b.address);
    await linked(a, b);
    const link = a.to(b);
    const tooLarge = Buffer.alloc(PAYLOAD_BYTES_MAX / 2 + 1);
    a.transport.send(link, {
      type: 'batches',
      epoch: 1,
      stream: 1,
      from: 0,
      end: 1,
      commit: 0,
      first: 0,
      batches: [tooLarge, tooLarge],
    });
    assert.equal(a.count('disconnected'), 0);
    await until('the link was given up', () => a.count('disconnected') === 1);
    assert.deepEqual(a.endings, ['overflow']);
    await linked(a, b);
    const seen = a.seen.length;
    const closing = a.transport.close();
    b.transport.send(b.to(a), ack(1));
    await closing;
    assert.equal(a.seen.length, seen);
    a.transport.send(a.to(b), ack(1));
    a.transport.setPeers([b.address]);
    a.transport.setBeat({ promisedEpoch: 1, claim: null, established: false });
    await a.transport.close();
  });
});

describe('a connection is refused, with the reason in the log', () => {
  const cases = [
    { why: 'it belongs to another cluster', options: { cluster: 'other' }, id: 'b' },
    { why: 'it wants another logger than the one at this address', options: {}, id: 'b', dialled: 'c' },
    { why: 'another logger uses the same id', options: { uid: 'uid-of-a-twin' }, id: 'a', dialled: 'b' },
    {
      why: 'another logger has the same uid: its data directory was copied',
      options: { uid: 'uid-a' },
      id: 'b',
    },
  ];
  for (const { why, options, id, dialled } of cases)
    it(why, async (t) => {
      const a = (await Node.create(t, 'a')).start();
      const b = await Node.create(t, id, options);
      // Whoever dials names an id; a twin of `a` is dialled under a name that `a` does not hold for its own.
      if (dialled === 'b') {
        b.start();
        a.transport.setPeers([{ id: 'b', peer: b.address.peer }]);
      } else b.start({ id: dialled ?? 'a', peer: a.address.peer });
      await until('the refusal is logged on both sides', () =>
        [a, b].every((node) =>
          node.logged.some(
            ({ text, fields }) =>
              text.includes(why) ||
              (text.includes('handshake') && String(fields.detail).startsWith('refused by the other side')),
          ),
        ),
      );
      assert.ok([a, b].some((node) => texts(node).includes(`refused a connection: ${why}`)));
      assert.equal(a.count('connected') + b.count('connected'), 0);
    });

  it('a second logger with the id of a living one, until that one is gone', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const b = (await Node.create(t, 'b')).start(a.address);
    await linked(a, b);
    const twin = (await Node.create(t, 'b', { uid: 'uid-of-a-twin' })).start(a.address);
    await until('the twin is refused', () =>
      texts(a).includes('refused a connection: another logger uses the same id'),
    );
    assert.equal(twin.count('connected'), 0);
    await b.transport.close();
    await until('the twin is let in', () => a.links.has('uid-of-a-twin'));
  });

  it('a logger that reaches itself under another name', async (t) => {
    const a = await Node.create(t, 'a', { peer: 'localhost:1' });
    a.start({ id: 'b', peer: `127.0.0.1:${a.transport.address().port}` });
    await until('it noticed', () => texts(a).includes('refused a connection: it is this logger itself'));
    assert.equal(a.count('connected'), 0);
  });
});

describe('the side that decides', () => {
  it('takes a new link of a peer that lost the old one unseen, once the old one is not of the same moment', async (t) => {
    const a = (await Node.create(t, 'a', { uid: 'uid-0' })).start();
    const first = await speak(t, a, { id: 'b', uid: 'uid-b', boot: 'one' });
    await until('it is linked', () => a.count('connected') === 1);
    const early = await speak(t, a, { id: 'b', uid: 'uid-b', boot: 'one' });
    await until('a young link is kept', () => early.refusal() === 'duplicate');
    const restarted = await speak(t, a, { id: 'b', uid: 'uid-b', boot: 'two' });
    await until('a link of an earlier run is replaced at once', () => a.count('connected') === 2);
    assert.deepEqual(
      a.seen.map(({ what }) => what),
      ['connected', 'disconnected', 'connected'],
    );
    await until('the old connection is closed', () => first.ended());
    assert.ok(!restarted.ended());
  });
});
