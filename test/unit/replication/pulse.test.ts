// When a logger's heartbeats go out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../../../src/replication/pulse.ts';

const HEARTBEAT_MS = 50;

/** A pulse in a time of its own. */
function pulse() {
  let nowMs = 0;
  let timers: { atMs: number; run: () => void }[] = [];
  const turns: number[] = [];
  const after = (run: () => void, ms: number) => {
    const timer = { atMs: nowMs + ms, run };
    const close = (): void => {
      timers = timers.filter((one) => one !== timer);
    };
    timers.push(timer);
    return {
      close,
      refresh: () => {
        close();
        timer.atMs = nowMs + ms;
        timers.push(timer);
      },
    };
  };
  const options = {
    heartbeatMs: HEARTBEAT_MS,
    now: () => nowMs,
    after: after as never,
    turn: () => void turns.push(nowMs),
  };
  return {
    pulse: new Pulse(options),
    turns,
    pass: (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 1;
        for (const { run } of timers.filter(({ atMs }) => atMs <= nowMs)) run();
      }
    },
  };
}

test('a leader beats by its own timer, whatever it hears', () => {
  const { pulse: it, turns, pass } = pulse();
  it.lead(true);
  for (let i = 0; i < 4; i += 1) {
    pass(45);
    it.heard();
  }
  assert.deepEqual(turns, [50, 100, 150]);
});

test('another beats when the leader does, and a little later where it does not', () => {
  const { pulse: it, turns, pass } = pulse();
  it.lead(false);
  pass(30);
  it.heard();
  assert.deepEqual(turns, [], 'so soon after the start');
  pass(20);
  it.heard();
  pass(49);
  it.heard();
  pass(1);
  it.heard();
  assert.deepEqual(turns, [50, 99], 'once for each beat, and not for one that follows at once');
  pass(61);
  assert.deepEqual(turns, [50, 99, 159]);
});

test('a logger that begins to lead or ends has the timer of its new part', () => {
  const { pulse: it, turns, pass } = pulse();
  it.lead(false);
  pass(60);
  it.lead(true);
  pass(100);
  it.lead(false);
  pass(60);
  assert.deepEqual(turns, [60, 110, 160, 220]);
});
