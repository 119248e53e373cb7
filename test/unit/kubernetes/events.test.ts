import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodEvent } from '../../../src/kubernetes/api.ts';
import { EventRecorder } from '../../../src/kubernetes/events.ts';

const pod = { name: 'a', uid: 'u', resourceVersion: '1', role: null, epoch: 0 };
const never = new AbortController().signal;

class Sink {
  readonly tried: string[] = [];
  fail = false;
  async createEvent({ happening }: PodEvent): Promise<void> {
    const { reason, epoch } = happening;
    this.tried.push('member' in happening ? `${reason} ${epoch} ${happening.member}` : `${reason} ${epoch}`);
    if (this.fail) throw new Error('refused');
  }
}

test('events go out in order, each reason and epoch once', async () => {
  const sink = new Sink();
  const recorder = new EventRecorder(sink);
  recorder.record({ reason: 'LeaderElected', epoch: 1 });
  recorder.record({ reason: 'LeaderElected', epoch: 1 });
  recorder.record({ reason: 'LeaderLost', epoch: 1 });
  await Promise.all([recorder.flush(pod, never), recorder.flush(pod, never)]);
  assert.deepEqual(sink.tried, ['LeaderElected 1', 'LeaderLost 1']);
});

test('a refused event is tried three times, then makes room for the next', async () => {
  const sink = new Sink();
  sink.fail = true;
  const recorder = new EventRecorder(sink);
  recorder.record({ reason: 'LeaderElected', epoch: 1 });
  recorder.record({ reason: 'LeaderLost', epoch: 1 });
  for (let flush = 0; flush < 3; flush++) await recorder.flush(pod, never);
  assert.deepEqual(sink.tried, ['LeaderElected 1', 'LeaderElected 1', 'LeaderElected 1']);
  sink.fail = false;
  await recorder.flush(pod, never);
  assert.deepEqual(sink.tried.slice(3), ['LeaderLost 1']);
});

test('few events wait: beyond sixteen the oldest goes', async () => {
  const sink = new Sink();
  const recorder = new EventRecorder(sink);
  for (let epoch = 1; epoch <= 20; epoch++) recorder.record({ reason: 'LeaderElected', epoch });
  await recorder.flush(pod, never);
  assert.equal(sink.tried.length, 16);
  assert.equal(sink.tried[0], 'LeaderElected 5');
});

test('members of one epoch are told apart, and so is one that comes, goes and comes again', async () => {
  const sink = new Sink();
  const recorder = new EventRecorder(sink);
  recorder.record({ reason: 'MemberAdded', epoch: 1, revision: 2, member: 'd' });
  recorder.record({ reason: 'MemberAdded', epoch: 1, revision: 2, member: 'd' });
  recorder.record({ reason: 'MemberAdded', epoch: 1, revision: 3, member: 'e' });
  recorder.record({ reason: 'MemberRemoved', epoch: 1, revision: 4, member: 'd' });
  recorder.record({ reason: 'MemberAdded', epoch: 1, revision: 5, member: 'd' });
  await recorder.flush(pod, never);
  assert.deepEqual(sink.tried, [
    'MemberAdded 1 d',
    'MemberAdded 1 e',
    'MemberRemoved 1 d',
    'MemberAdded 1 d',
  ]);
});
