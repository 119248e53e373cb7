import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Addresses } from '../../../src/client/addresses.ts';

function addresses(seeds: string[], httpsOnly = false) {
  const clock = { now: 0 };
  const learnt: string[] = [];
  const subject = new Addresses(seeds, httpsOnly, () => clock.now);
  subject.onLeader((url) => learnt.push(url));
  return { subject, clock, learnt };
}

test('the given addresses take turns until one leads, and are gone back to when it fails', () => {
  const { subject } = addresses(['a', 'b', 'c']);
  const order: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    order.push(subject.pick()?.url ?? '');
    subject.failed(order.at(-1) as string, 0);
  }
  assert.deepEqual(order, ['a', 'b', 'c', 'a']);
  subject.succeeded('c', 1);
  assert.equal(subject.pick()?.url, 'c');
  subject.failed('c', 0);
  assert.notEqual(subject.pick()?.url, 'c');
});

test('an address that asked for time is passed over for the others, and waited for when there are none', () => {
  const { subject, clock } = addresses(['a', 'b']);
  subject.failed('a', 100);
  assert.deepEqual(subject.pick(), { url: 'b', waitMs: 0 });
  subject.failed('b', 30);
  assert.deepEqual(subject.pick(), { url: 'b', waitMs: 30 });
  clock.now = 100;
  assert.equal(subject.pick()?.waitMs, 0);
});

test('a leader that is busy is waited for: the others could only send back to it', () => {
  const { subject } = addresses(['a', 'b']);
  subject.succeeded('a', 1);
  subject.busy('a', 100);
  assert.deepEqual(subject.pick(), { url: 'a', waitMs: 100 });
});

test('a leader of a higher epoch is adopted, a stale one is not', () => {
  const { subject, learnt } = addresses(['a', 'b']);
  subject.learn('a', 5);
  subject.learn('b', 4);
  assert.equal(subject.leader, 'a');
  subject.learn('b', 6);
  assert.equal(subject.leader, 'b');
  assert.equal(subject.epoch, 6);
  subject.succeeded('a', 5);
  assert.equal(subject.leader, 'b');
  assert.deepEqual(learnt, ['a', 'b']);
});

test('the same leader under another name changes nothing', () => {
  const { subject, learnt } = addresses(['service']);
  subject.succeeded('service', 5);
  subject.learn('pod-0', 5);
  assert.equal(subject.leader, 'service');
  assert.deepEqual(learnt, []);
});

test('an address that failed in an epoch is not believed to lead in it, but in the next it may', () => {
  const { subject, learnt } = addresses(['service']);
  subject.succeeded('pod-0', 5);
  subject.failed('pod-0', 0);
  subject.learn('pod-0', 5);
  assert.equal(subject.pick()?.url, 'service');
  subject.learn('pod-1', 5);
  assert.equal(subject.pick()?.url, 'pod-1');
  subject.learn('pod-0', 6);
  assert.equal(subject.pick()?.url, 'pod-0');
  assert.deepEqual(learnt, ['pod-1', 'pod-0']);
});

test("the loggers' own addresses are known for questions, and nothing is sent to them unasked", () => {
  const { subject } = addresses(['service']);
  subject.setLoggers(['pod-0', 'pod-1', 'service']);
  assert.deepEqual(subject.known, ['service', 'pod-0', 'pod-1']);
  subject.failed('service', 100);
  assert.deepEqual(subject.pick(), { url: 'service', waitMs: 100 });
  subject.setLoggers([]);
  assert.deepEqual(subject.known, ['service', 'pod-0', 'pod-1']);
});

test('a redirect is believed without an epoch', () => {
  const { subject } = addresses(['a', 'b']);
  subject.succeeded('a', 5);
  subject.redirected('a', 'b');
  assert.equal(subject.leader, 'b');
});

test('what the old leader had acknowledged before its redirect does not bring it back, but a new epoch or a failure does', () => {
  const { subject } = addresses(['a']);
  subject.succeeded('a', 5);
  subject.redirected('a', 'b');
  subject.succeeded('a', 5);
  assert.equal(subject.leader, 'b');
  subject.failed('b', 0);
  subject.succeeded('a', 5);
  assert.equal(subject.leader, 'a');
  subject.redirected('a', 'b');
  subject.succeeded('a', 6);
  assert.equal(subject.leader, 'a');
});

test('without given addresses nothing is known at first, and the last leader is asked on when it failed', () => {
  const { subject } = addresses([]);
  assert.equal(subject.pick(), null);
  subject.learn('a', 1);
  subject.failed('a', 0);
  assert.deepEqual(subject.pick(), { url: 'a', waitMs: 0 });
});

test('a listener that was stopped hears nothing', () => {
  const { subject } = addresses([]);
  const heard: string[] = [];
  const stop = subject.onLeader((url) => heard.push(url));
  subject.learn('a', 1);
  stop();
  subject.learn('b', 2);
  assert.deepEqual(heard, ['a']);
});

test('where only https:// is wanted, no http:// address is believed but a given one', () => {
  const { subject, learnt } = addresses(['https://a', 'http://b'], true);
  subject.learn('http://c', 5);
  subject.setLoggers(['http://c', 'http://d']);
  assert.equal(subject.leader, null);
  assert.equal(subject.epoch, 0);
  assert.deepEqual(subject.known, ['https://a', 'http://b']);
  subject.setLoggers(['http://c', 'https://d']);
  assert.deepEqual(subject.known, ['https://a', 'http://b', 'https://d']);
  subject.learn('http://b', 6);
  subject.learn('https://e', 7);
  assert.deepEqual(learnt, ['http://b', 'https://e']);
});
