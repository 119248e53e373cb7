import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { Batches } from '../../../src/replica/index.ts';
import { remoteAddressOf } from '../../../src/replication/listener.ts';
import { until } from '../../support/until.ts';
import { ack, linked, Node } from './nodes.ts';

describe('links', () => {
  it('carry messages in order, large batches among small acknowledgements, both ways', async (t) => {
    const [a, b] = [await Node.create(t, 'a'), await Node.create(t, 'b')];
    const large = randomBytes(3 * 1024 * 1024);
    const small = randomBytes(700);
    const count = 10_000;
    const batchesOf = (i: number): Batches => ({
      type: 'batches',
      epoch: 1,
      stream: 1,
      from: i,
      end: i + 2,
      commit: i,
      first: 0,
      batches: i % 500 === 0 ? [small, large] : [small, small.subarray(i % 600)],
    });
    let arrived = 0;
    let wrong = 0;
    b.onMessage = (link, message) => {
      if (message.type !== 'batches' || message.from !== arrived) wrong += 1;
      else if (
        Buffer.compare(Buffer.concat(message.batches), Buffer.concat(batchesOf(arrived).batches)) !== 0
      )
        wrong += 1;
      arrived += 1;
      b.transport.send(link, ack(arrived));
    };
    let acked = 0;
    a.onMessage = (_, message) => {
      if (message.type !== 'ack' || message.position.end !== acked + 1) wrong += 1;
      acked += 1;
    };
    a.start(b.address);
    b.start(a.address);
    await linked(a, b);
    // In windows, as the caller is bound to.
    for (let sent = 0; sent < count; ) {
      const windowEnd = Math.min(count, sent + 1000);
      for (; sent < windowEnd; sent += 1) a.transport.send(a.to(b), batchesOf(sent));
      await until(`${sent} acknowledgements arrived`, () => acked === sent || wrong > 0);
    }
    assert.deepEqual({ wrong, arrived, acked }, { wrong: 0, arrived: count, acked: count });
    assert.ok(a.traffic.out > 20 * large.length && a.traffic.out <= b.traffic.in + 4096);
  });
});

describe('the address of the other side', () => {
  it('is one of IPv4 as people write it, although the socket has it as one of IPv6', () => {
    for (const [remoteAddress, expected] of [
      ['::ffff:10.0.0.7', '10.0.0.7'],
      ['10.0.0.7', '10.0.0.7'],
      ['fd00::7', 'fd00::7'],
      ['::ffff:fd00', '::ffff:fd00'],
    ] as const)
      assert.equal(remoteAddressOf({ remoteAddress } as Socket), expected);
  });
});
