import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compare, type Pod, type PodPatch, parseEpoch, type Wish } from '../../../src/kubernetes/labels.ts';

const pod = (name: string, role: string | null, epoch: number): Pod => ({
  name,
  uid: name,
  resourceVersion: '1',
  role,
  epoch,
});
const told = (patches: readonly PodPatch[]) =>
  patches.map((patch) => [patch.pod.name, patch.role, patch.epoch]);

test('a follower takes the label off its own pod, touches no other, and keeps the epoch', () => {
  const pods = [pod('a', 'leader', 3), pod('b', 'leader', 2), pod('c', null, 0)];
  assert.deepEqual(told(compare({ role: 'follower' }, 'a', pods).patches), [['a', 'follower', 3]]);
  assert.deepEqual(told(compare({ role: 'follower' }, 'c', pods).patches), [['c', 'follower', 0]]);
});

test('a leader labels itself, unlabels the former one, and stamps its epoch on the others', () => {
  const pods = [pod('a', 'follower', 0), pod('b', 'leader', 4), pod('c', 'follower', 4)];
  const { patches, supersededBy } = compare({ role: 'leader', epoch: 5 }, 'a', pods);
  assert.equal(supersededBy, null);
  assert.deepEqual(told(patches), [
    ['a', 'leader', 5],
    ['b', 'follower', 5],
    ['c', 'follower', 5],
  ]);
});

test('nothing is patched once everything is as wanted', () => {
  const pods = [pod('a', 'leader', 5), pod('b', 'follower', 5)];
  assert.deepEqual(compare({ role: 'leader', epoch: 5 }, 'a', pods), { patches: [], supersededBy: null });
  assert.deepEqual(compare({ role: 'follower' }, 'b', pods), { patches: [], supersededBy: null });
});

test('a leader that finds a higher epoch anywhere takes its own label off and patches nothing else', () => {
  const pods = [pod('a', 'leader', 5), pod('b', 'leader', 3), pod('c', 'follower', 6)];
  const { patches, supersededBy } = compare({ role: 'leader', epoch: 5 }, 'a', pods);
  assert.equal(supersededBy, 6);
  assert.deepEqual(told(patches), [['a', 'follower', 5]]);
});

test('an epoch is a whole number from 1 on; all else counts as never decided', () => {
  assert.equal(parseEpoch('12'), 12);
  for (const text of [undefined, '', '0', '-1', '1.5', '1e3', ' 1', '99999999999999999', 'x']) {
    assert.equal(parseEpoch(text), 0, String(text));
  }
});

/** Loggers with views of their own, which may be old, and the API server's rule that a patch needs the newest version. */
class Model {
  readonly pods = new Map<string, Pod>();
  readonly wishes = new Map<string, Wish>();
  readonly views = new Map<string, readonly Pod[]>();

  constructor(names: readonly string[]) {
    for (const name of names) {
      this.pods.set(name, pod(name, null, 0));
      this.wishes.set(name, { role: 'follower' });
    }
  }

  look(name: string): void {
    this.views.set(name, [...this.pods.values()]);
  }

  /** One patch of those that the logger would send by its view; the API server refuses it if the view is old. */
  send(name: string, which: number): void {
    const { patches } = compare(this.wishes.get(name)!, name, this.views.get(name) ?? []);
    const patch = patches[which % Math.max(patches.length, 1)];
    if (patch === undefined) return;
    const now = this.pods.get(patch.pod.name)!;
    if (now.resourceVersion !== patch.pod.resourceVersion) return;
    assert.ok(patch.epoch >= now.epoch, `epoch of ${now.name} falls from ${now.epoch} to ${patch.epoch}`);
    const resourceVersion = String(Number(now.resourceVersion) + 1);
    this.pods.set(now.name, { ...now, role: patch.role, epoch: patch.epoch, resourceVersion });
  }
}

const NAMES = ['a', 'b', 'c'];
const step = fc.record({
  who: fc.constantFrom(...NAMES),
  what: fc.constantFrom('lead', 'follow', 'look', 'send', 'send', 'send'),
  which: fc.nat(5),
});

test('whatever order calls arrive in: epochs never fall, and in the end only the newest leader is labelled', () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const model = new Model(NAMES);
    let epoch = 0;
    let newest: string | null = null;
    for (const { who, what, which } of steps) {
      if (what === 'look') model.look(who);
      else if (what === 'send') model.send(who, which);
      else if (what === 'follow') {
        model.wishes.set(who, { role: 'follower' });
        if (newest === who) newest = null;
      } else {
        // The old leader does not hear of it: its wish stays, and its patches are still on their way.
        model.wishes.set(who, { role: 'leader', epoch: ++epoch });
        newest = who;
      }
    }
    if (newest === null) return;
    for (let round = 0; round < NAMES.length * 4; round++) {
      for (const name of NAMES) {
        model.look(name);
        for (let which = 0; which < NAMES.length; which++) model.send(name, which);
      }
    }
    const labelled = [...model.pods.values()].filter(({ role }) => role === 'leader').map(({ name }) => name);
    assert.deepEqual(labelled, [newest]);
  });
  fc.assert(property, { numRuns: 500 });
});
