import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoggerError } from '../../../src/errors.ts';
import { type Operated, Operator } from '../../../src/logger/operator.ts';
import type { Role } from '../../../src/logger/replicated-log.ts';

class Replicated implements Operated {
  role: Role = { kind: 'leader', epoch: 1 };
  readonly told: (readonly string[] | null | 'rebuild')[] = [];
  readonly members = ['logger-0', 'logger-1'].map((id) => ({
    id,
    uid: id,
    peer: `${id}:9090`,
    api: null,
    role: 'follower' as const,
    connected: true,
    end: null,
    lag: null,
  }));
  #onRole: (role: Role, reason: string) => void = () => {};

  onRole(handler: (role: Role, reason: string) => void): void {
    this.#onRole = handler;
    handler(this.role, 'started');
  }
  become(role: Role): void {
    this.role = role;
    this.#onRole(role, 'test');
  }
  setWantedMembers(ids: readonly string[] | null): void {
    this.told.push(ids);
  }
  rebuildRegister(): void {
    this.told.push('rebuild');
  }
}

const follower = (leader: { id: string; api: string } | null): Role => ({
  kind: 'follower',
  epoch: 2,
  leader,
});
const refused = (code: string) => (error: unknown) => error instanceof LoggerError && error.code === code;

test('a wish about members ends with the leadership that it was told to', () => {
  const replicated = new Replicated();
  const operator = new Operator(replicated, false);
  operator.setWantedMembers(['logger-1', 'logger-2']);
  assert.deepEqual(operator.wanted, ['logger-1', 'logger-2']);
  replicated.become(follower(null));
  replicated.become({ kind: 'leader', epoch: 3 });
  assert.equal(operator.wanted, null);
  assert.deepEqual(replicated.told, [['logger-1', 'logger-2'], null]);
});

test('members are wanted of a leader, outside Kubernetes, and of some that are members now', () => {
  const replicated = new Replicated();
  assert.throws(() => new Operator(replicated, true).setWantedMembers(null), refused('members-managed'));
  const operator = new Operator(replicated, false);
  assert.throws(() => operator.setWantedMembers(['loger-0', 'loger-1']), refused('invalid-request'));
  replicated.become(follower(null));
  assert.throws(() => operator.setWantedMembers(['logger-0']), refused('not-leader'));
  assert.deepEqual(replicated.told, []);
});

test('a register is rebuilt on command only while nobody leads', () => {
  const replicated = new Replicated();
  const operator = new Operator(replicated, false);
  assert.throws(() => operator.rebuildRegister(), refused('leader-present'));
  replicated.become(follower({ id: 'logger-1', api: 'http://logger-1:8080' }));
  assert.throws(() => operator.rebuildRegister(), refused('leader-present'));
  replicated.become(follower(null));
  operator.rebuildRegister();
  assert.deepEqual(replicated.told, ['rebuild']);
});
