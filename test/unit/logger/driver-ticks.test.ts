// How often the core is told of the time: rarely while nothing is due soon, and as often as before from the event on that ends that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegisterSnapshot } from '../../../src/election/types.ts';
import { ReplicationDriver } from '../../../src/logger/driver/index.ts';
import {
  CALM_TICK_MS,
  CALM_TICK_SOONEST_MS,
  type DriverOptions,
  TICK_MS,
} from '../../../src/logger/driver/outside.ts';
import type { TransportHandlers } from '../../../src/replication/types.ts';
import { freshLog } from '../../support/log-fixture.ts';

const LEADER = { id: 'b', uid: 'b1', peer: 'b:1' };
const CLAIM = { epoch: 1, incarnation: 'claim-1' };

/** A follower `a` of the leader `b`. It is no member and so never runs itself: its only timer is that of the ticks. */
async function follower() {
  const { log, state } = await freshLog();
  const self = { id: 'a', uid: log.uid, peer: 'a:1' };
  const leader = { ...LEADER, api: 'http://b', incarnation: CLAIM.incarnation };
  const membersVersion = { epoch: 1, revision: 1 };
  const value = { epoch: 1, leader, members: [LEADER], membersVersion, revision: 1 };
  const snapshot: RegisterSnapshot = { value, index: 5, session: 'session-1' };
  const never = new Promise<never>(() => {});
  let nowMs = 1000;
  let timers: { atMs: number; run: () => void }[] = [];
  let handlers: TransportHandlers | null = null;
  let steps = 0;
  const options = {
    self,
    api: 'http://a',
    bootstrap: [],
    log,
    state,
    register: { watch: ({ onChange }: { onChange(now: RegisterSnapshot): void }) => onChange(snapshot) },
    sessions: { open: () => never },
    transport: {
      start: (given: TransportHandlers) => {
        handlers = given;
      },
      setBeat: () => {},
      stepped: () => {
        steps += 1;
      },
      setPeers: () => {},
      send: () => {},
      close: async () => {},
    },
    clock: {
      now: () => nowMs,
      wall: () => nowMs,
      soon: (run: () => void) => setImmediate(run),
      after: (ms: number, run: () => void) => {
        const timer = { atMs: nowMs + ms, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((one) => one !== timer);
        };
      },
    },
    newUuid: () => 'claim-2',
    onFatal: assert.fail,
  };
  const driver = new ReplicationDriver(options as unknown as DriverOptions);
  driver.start();
  assert.ok(handlers);
  return {
    driver,
    log,
    handlers: handlers as TransportHandlers,
    pass: (ms: number) => {
      nowMs += ms;
      const due = timers.filter(({ atMs }) => atMs <= nowMs);
      timers = timers.filter(({ atMs }) => atMs > nowMs);
      for (const { run } of due) run();
    },
    /** Events of which the transport was told. */
    steps: () => steps,
    /** In how many milliseconds each of the timers comes. */
    due: () => timers.map(({ atMs }) => atMs - nowMs),
  };
}

test('a follower ticks as rarely as leaders beat while it hears its own, and as before from the loss on', async (t) => {
  const { driver, log, handlers, pass, due } = await follower();
  t.after(async () => {
    await driver.stop({ handover: false });
    await log.close();
  });
  assert.deepEqual(due(), [TICK_MS]);
  handlers.connected(1, LEADER);
  handlers.beat(LEADER.uid, { promisedEpoch: 1, claim: CLAIM, established: true });
  pass(TICK_MS);
  assert.deepEqual(due(), [CALM_TICK_MS]);
  pass(20);
  assert.deepEqual(due(), [CALM_TICK_MS - 20]);
  handlers.disconnected(1);
  assert.deepEqual(due(), [TICK_MS], 'not when the rare one would have come');
  pass(TICK_MS);
  assert.deepEqual(due(), [TICK_MS]);
});

test('a tick that is nearly due comes with a beat, and only where none comes by a timer of its own', async (t) => {
  const { driver, log, handlers, pass, due } = await follower();
  t.after(async () => {
    await driver.stop({ handover: false });
    await log.close();
  });
  const beat = (): void => handlers.beat(LEADER.uid, { promisedEpoch: 1, claim: CLAIM, established: true });
  handlers.connected(1, LEADER);
  beat();
  pass(TICK_MS);
  pass(CALM_TICK_SOONEST_MS - 1);
  beat();
  assert.deepEqual(due(), [CALM_TICK_MS - CALM_TICK_SOONEST_MS + 1], 'too soon after the last');
  pass(1);
  beat();
  assert.deepEqual(due(), [CALM_TICK_MS], 'the tick came, and the next is a whole time away');
  beat();
  pass(CALM_TICK_MS);
  assert.deepEqual(due(), [CALM_TICK_MS]);
});

test('each event is told as a step, so that a long turn full of them is not taken for a standstill', async (t) => {
  const { driver, log, handlers, steps } = await follower();
  t.after(async () => {
    await driver.stop({ handover: false });
    await log.close();
  });
  const before = steps();
  handlers.connected(1, LEADER);
  handlers.beat(LEADER.uid, { promisedEpoch: 1, claim: CLAIM, established: true });
  assert.ok(steps() - before >= 2, `${steps() - before} steps`);
});
