import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBeat, decodeEcho } from '../../../src/replication/beat-words.ts';
import { MalformedFrame } from '../../../src/replication/frames.ts';
import { badHello } from '../../../src/replication/hello.ts';
import { until } from '../../support/until.ts';
import { blockThread, startChild } from './children.ts';
import { HEARTBEAT_MS, linked, Node, QUIET_BEAT, SUSPECT_MS } from './nodes.ts';

const countOf = (node: Node, uid: string): number => node.beats.get(uid)?.count ?? 0;

describe('heartbeats', () => {
  it('pass on what a beat is and nothing that a peer puts beside it, however deep it is nested', () => {
    const claim = { epoch: 5, incarnation: 'i' };
    const deep = JSON.parse('['.repeat(1000) + ']'.repeat(1000));
    const beat = { promisedEpoch: 5, claim: { ...claim, deep }, established: true, deep };
    const frame = { header: { type: 'beat', beat, echoMs: null, deep }, payload: Buffer.alloc(0) };
    assert.deepEqual(decodeBeat(frame), {
      type: 'beat',
      beat: { promisedEpoch: 5, claim, established: true },
      echoMs: null,
    });
  });

  it('say the latest to every linked logger, again and again, and are echoed', async (t) => {
    const nodes = [await Node.create(t, 'a'), await Node.create(t, 'b'), await Node.create(t, 'c')] as const;
    for (const node of nodes) {
      node.start(...nodes.map(({ address }) => address));
      node.transport.setBeat(QUIET_BEAT);
    }
    const [a, b, c] = nodes;
    await until('all beats arrive', () =>
      nodes.every((node) => nodes.every((other) => other === node || countOf(node, `uid-${other.id}`) > 3)),
    );
    const claim = { epoch: 5, incarnation: 'i' };
    a.transport.setBeat({ promisedEpoch: 5, claim, established: true });
    for (const node of [b, c])
      await until('the change arrives', () => node.beats.get('uid-a')?.beat.established === true);
    assert.deepEqual(b.beats.get('uid-a')?.beat, { promisedEpoch: 5, claim, established: true });
    assert.deepEqual([...a.beats.keys()].sort(), ['uid-b', 'uid-c'], 'none of the logger itself');
    await until('round trips are measured', () => a.roundTripsMs.length >= 4);
    for (const ms of a.roundTripsMs) assert.ok(ms > 0 && ms < 10_000);
  });

  it('bring the clocks of the others, from the first hello on', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const b = (await Node.create(t, 'b')).start(a.address);
    const beganMs = Date.now();
    await linked(a, b);
    assert.deepEqual(
      [a, b].map((node) => node.clocks.map(({ uid }) => uid)),
      [['uid-b'], ['uid-a']],
      'before anything else can be heard',
    );
    for (const node of [a, b]) node.transport.setBeat(QUIET_BEAT);
    await until('their echoes tell them again', () => [a, b].every(({ clocks }) => clocks.length > 3));
    for (const { wallMs, agoMs } of [...a.clocks, ...b.clocks]) {
      assert.ok(agoMs >= 0 && agoMs < Date.now() - beganMs + 1000);
      assert.ok(wallMs > beganMs - 1000 && wallMs <= Date.now() - agoMs + 1, `${wallMs}, ${agoMs} ms ago`);
    }
  });

  it('bring no clock of a logger whose version does not tell it, and none that cannot be', () => {
    const payload = Buffer.alloc(0);
    assert.equal(decodeEcho({ header: { type: 'echo', echoMs: 1 }, payload }).wallMs, undefined);
    const hello = {
      magic: 'distributed-logger',
      version: 1,
      cluster: 'c',
      id: 'i',
      uid: 'u',
      boot: 'b',
      to: 't',
    };
    const whole = { ...hello, peer: 'h:1', kind: 'data', beatPort: 1 };
    assert.equal(badHello(whole), null);
    assert.equal(badHello({ ...whole, wallMs: -1 }), null, 'a clock may say a time before 1970');
    for (const wallMs of [null, '1', 1e16, -1e16]) {
      assert.equal(badHello({ ...whole, wallMs }), 'wallMs');
      assert.throws(
        () => decodeEcho({ header: { type: 'echo', echoMs: 1, wallMs }, payload }),
        MalformedFrame,
      );
    }
  });

  it('go on while the main thread is busy', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const suspectMs = 3000;
    const child = await startChild(t, 'b', { peers: [a.address], suspectMs });
    await until('beats arrive', () => countOf(a, 'uid-b') > 3);
    let before = 0;
    await child.block(1000, () => {
      before = countOf(a, 'uid-b');
    });
    // 50 are due; a machine that gives the thread a tenth of its time still sends 5.
    assert.ok(countOf(a, 'uid-b') - before >= 5, `${countOf(a, 'uid-b') - before} beats in 1 s`);
  });

  it('go on while one turn of the main thread takes in event after event', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const child = await startChild(t, 'b', { peers: [a.address], suspectMs: SUSPECT_MS });
    await until('beats arrive', () => countOf(a, 'uid-b') > 3);
    const blockMs = 4 * SUSPECT_MS;
    let before = 0;
    const blocking = (): void => {
      before = countOf(a, 'uid-b');
    };
    await child.block(blockMs, blocking, true);
    const during = countOf(a, 'uid-b') - before;
    // A stuck one sends those of the first `suspectMs`.
    assert.ok(during > (1.5 * SUSPECT_MS) / HEARTBEAT_MS, `${during} beats of a busy logger`);
  });

  it('stop when the main thread is stuck, and come back with it', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const child = await startChild(t, 'b', { peers: [a.address], suspectMs: SUSPECT_MS });
    await until('beats arrive', () => countOf(a, 'uid-b') > 3);
    const blockMs = 4 * SUSPECT_MS;
    let before = 0;
    await child.block(blockMs, () => {
      before = countOf(a, 'uid-b');
    });
    const during = countOf(a, 'uid-b') - before;
    assert.ok(during < blockMs / HEARTBEAT_MS / 2, `${during} beats of a stuck logger`);
    const after = countOf(a, 'uid-b');
    await until('beats arrive again', () => countOf(a, 'uid-b') > after + 3);
  });

  it('stop with the process, whose link is dead after a while; and both come back with it', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const child = await startChild(t, 'b', { peers: [a.address], suspectMs: SUSPECT_MS });
    a.transport.setPeers([child]);
    await until('beats arrive', () => countOf(a, 'uid-b') > 3);
    child.process.kill('SIGSTOP');
    const missed = a.missed.length;
    await until('the link is given up', () => a.count('disconnected') === 1);
    assert.deepEqual(a.endings, ['silent']);
    assert.ok(a.missed.length > missed, 'its heartbeats are missed meanwhile');
    assert.deepEqual([...new Set(a.missed)], ['b']);
    const stopped = countOf(a, 'uid-b');
    await sleep(10 * HEARTBEAT_MS);
    assert.equal(countOf(a, 'uid-b'), stopped, 'a frozen logger says nothing');
    child.process.kill('SIGCONT');
    await until('it is linked again', () => a.links.has('uid-b'));
    await until('beats arrive again', () => countOf(a, 'uid-b') > stopped + 3);
  });

  it('wait for a stuck main thread one per logger, however many come', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    await startChild(t, 'b', { peers: [a.address], suspectMs: SUSPECT_MS });
    await until('beats arrive', () => countOf(a, 'uid-b') > 3);
    const before = countOf(a, 'uid-b');
    const blockMs = 3.5 * SUSPECT_MS;
    blockThread(blockMs);
    await sleep(0);
    await until('beats arrive again', () => countOf(a, 'uid-b') > before);
    const waited = countOf(a, 'uid-b') - before;
    assert.ok(waited < (blockMs / HEARTBEAT_MS) * 0.7, `${waited} beats waited`);
    await linkedStill(a);
  });
});

/** Our own pause is not the silence of the others. */
async function linkedStill(a: Node): Promise<void> {
  const beats = countOf(a, 'uid-b');
  await until('more beats arrive', () => countOf(a, 'uid-b') > beats + 3);
  assert.equal(a.count('disconnected'), 0);
}

describe('a process that is killed', () => {
  it('is missed at once, as the kernel closes its connections', async (t) => {
    const a = (await Node.create(t, 'a')).start();
    const child = await startChild(t, 'b', { peers: [a.address], suspectMs: SUSPECT_MS });
    await until('it is linked', () => a.links.has('uid-b'));
    const c = (await Node.create(t, 'c')).start(a.address);
    await linked(a, c);
    child.process.kill('SIGKILL');
    await until('it is missed', () => a.count('disconnected') === 1);
    assert.match(a.endings.join(), /^(closed|error)$/, 'told by the kernel, not by silence');
    assert.ok(a.links.has('uid-c'));
  });
});
