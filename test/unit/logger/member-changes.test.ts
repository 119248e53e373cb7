import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { MemberWatch } from '../../../src/logger/driver/member-watch.ts';
import { tellMembers } from '../../../src/logger/member-changes.ts';

const member = (id: string, uid = id) => ({ id, uid, peer: `${id}:9090` });
type Leading = NonNullable<ConstructorParameters<typeof MemberWatch>[0]['leading']>;

function watched() {
  const said: string[] = [];
  const tell = tellMembers({
    label: {
      tell: ({ reason, epoch, revision, member: id }) =>
        void said.push(`${reason} ${id} in ${epoch}, revision ${revision}`),
    },
    metrics: { memberChanges: { labels: (change) => ({ inc: () => void said.push(`counted ${change}`) }) } },
    out: pino({ enabled: false }),
  });
  const state: { leading: Leading | null } = { leading: null };
  const watch = new MemberWatch(state, tell);
  return { said, state, watch };
}

// Only what the watch reads; the rest of a leadership plays no part in it.
const leading = (epoch: number, settledRevision: number, ...ids: ReturnType<typeof member>[]): Leading =>
  ({ claim: { epoch, incarnation: `i${epoch}` }, members: ids, settledRevision }) as unknown as Leading;

test('members that come and go under a leadership are told, those it begins with are not', () => {
  const { said, state, watch } = watched();
  watch.look();
  const present = leading(3, 7, member('a'), member('b'));
  state.leading = present;
  watch.look();
  watch.look();
  assert.deepEqual(said, []);
  const change = (members: readonly ReturnType<typeof member>[], settledRevision: number): void => {
    Object.assign(present, { members, settledRevision });
    watch.look();
    watch.look();
  };
  change([member('a'), member('b'), member('c')], 8);
  assert.deepEqual(said.splice(0), ['counted added', 'MemberAdded c in 3, revision 8']);
  change([member('a'), member('b', 'wiped'), member('c')], 9);
  assert.deepEqual(said.splice(0), [
    'counted removed',
    'MemberRemoved b in 3, revision 9',
    'counted added',
    'MemberAdded b in 3, revision 9',
  ]);
  change([member('a'), { ...member('b', 'wiped'), peer: 'elsewhere:9090' }, member('c')], 10);
  assert.deepEqual(said, [], 'a new address is no new member');
});

test('another leadership with other members is no change', () => {
  const { said, state, watch } = watched();
  state.leading = leading(3, 7, member('a'), member('b'));
  watch.look();
  state.leading = leading(5, 9, member('a'), member('c'));
  watch.look();
  state.leading = null;
  watch.look();
  state.leading = leading(6, 10, member('a'));
  watch.look();
  assert.deepEqual(said, []);
});
