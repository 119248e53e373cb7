import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ElectionSteps, ElectionWatch } from '../../../src/logger/driver/election-watch.ts';
import type { Effect, Event } from '../../../src/replica/index.ts';

const take = { type: 'take-register' } as Effect;
const written = { type: 'register-written' } as Event;
const leading = { type: 'role', role: { kind: 'leading', epoch: 3, start: 7 }, reason: null } as Effect;

function watched(lostSinceMs: number | null, startedMs: number) {
  const campaigning = { attempt: 1, startedMs };
  let nowMs = 0;
  const told: ElectionSteps[] = [];
  const state = { lostSinceMs, campaigning } as ConstructorParameters<typeof ElectionWatch>[0];
  const watch = new ElectionWatch(
    state,
    () => nowMs,
    (steps) => told.push(steps),
  );
  const at = (ms: number, happens: (watch: ElectionWatch) => void): void => {
    nowMs = ms;
    happens(watch);
  };
  return { at, told };
}

test('the steps of an election are told once it is won', () => {
  const { at, told } = watched(100, 105);
  at(120, (watch) => watch.effect(take));
  at(150, (watch) => watch.event(written));
  assert.deepEqual(told, []);
  at(157, (watch) => watch.effect(leading));
  assert.deepEqual(told, [{ epoch: 3, voteMs: 20, registerMs: 30, promiseMs: 7 }]);
});

test('a leader that was named has lost nobody: its vote began when it asked', () => {
  const { at, told } = watched(null, 200);
  at(204, (watch) => watch.effect(take));
  at(205, (watch) => watch.event(written));
  at(206, (watch) => watch.effect(leading));
  assert.deepEqual(told, [{ epoch: 3, voteMs: 4, registerMs: 1, promiseMs: 1 }]);
});

test('a write that is made again, and its outcome that is read, are the time of Consul', () => {
  const { at, told } = watched(100, 105);
  at(120, (watch) => watch.effect(take));
  at(130, (watch) => watch.event(written));
  at(140, (watch) => watch.effect(take));
  at(150, (watch) => watch.event(written));
  at(160, (watch) => watch.event({ type: 'register', token: null } as Event));
  at(170, (watch) => watch.event({ type: 'register', token: 4 } as Event));
  at(171, (watch) => watch.effect(leading));
  assert.deepEqual(told, [{ epoch: 3, voteMs: 20, registerMs: 50, promiseMs: 1 }]);
});

test('the former leader may be the one that answers: it has read who won', () => {
  const seen = { successor: { epoch: 3, incarnation: 'won' }, revision: 2, index: 9 };
  const told = (message: object): Event => ({ type: 'message', link: 1, message }) as Event;
  const early = watched(null, 100);
  early.at(120, (watch) => watch.effect(take));
  early.at(150, (watch) => watch.event(told({ type: 'drained', seen })));
  early.at(151, (watch) => watch.effect(leading));
  assert.deepEqual(early.told, [{ epoch: 3, voteMs: 20, registerMs: 30, promiseMs: 1 }]);
  const late = watched(null, 100);
  late.at(120, (watch) => watch.effect(take));
  late.at(130, (watch) => watch.event(written));
  late.at(150, (watch) => watch.event(told({ type: 'drained', seen })));
  late.at(151, (watch) => watch.effect(leading));
  assert.deepEqual(late.told, [{ epoch: 3, voteMs: 20, registerMs: 10, promiseMs: 21 }]);
});
