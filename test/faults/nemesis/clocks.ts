// A clock that is ahead, on one pod, which then leads: by an hour, and by more than retention by age and the expiry of producers take.
// No clock of a container can be set by itself, so that pod gets the image under test with a library that shifts the time of day
// (clock/Dockerfile).
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import { API_PORT, IMAGE, NAME } from '../../support/kube-stack.ts';
import { type Arena, LOGGER_COUNT } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const LEADS_MS = 10_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MOST_OFF_MS = 60_000;
const LOG_TIME_AHEAD = /^distributed_logger_log_time_ahead_seconds (\S+)$/m;
const DOCKERFILE = 'test/faults/clock/Dockerfile';
const ROLLED_OUT_MS = 200_000;

/** Only the pods from that number on take a new template when the rollout is partitioned there. */
const partitionedAt = (partition: number) => ({ updateStrategy: { rollingUpdate: { partition } } });

async function give(arena: Arena, spec: object): Promise<void> {
  const { namespace, stack } = arena;
  await namespace.kubectl(['patch', stack.loggerSet, '--patch', JSON.stringify({ spec })]);
}

async function rolledOut({ namespace, stack }: Arena): Promise<void> {
  await namespace.kubectl(['rollout', 'status', stack.loggerSet, '--timeout=3m'], {
    timeoutMs: ROLLED_OUT_MS,
  });
}

/** How far the pod's clock is from ours, by the last line that it printed. */
async function clockOffMs(arena: Arena, pod: string): Promise<number> {
  const line = await arena.namespace.kubectl(['logs', pod, '--tail=1']);
  return (JSON.parse(line) as { time: number }).time - Date.now();
}

const firstOf = async (arena: Arena): Promise<number> =>
  (await arena.stack.status((await arena.leader()).name)).offsets.first;

/** No record is too old by the true time, and none is stamped with another one. */
async function nothingGone(arena: Arena, first: number): Promise<void> {
  assert.equal(await firstOf(arena), first, 'retention has deleted records that are not too old');
  for (const { name } of await arena.loggers()) {
    const metrics = await arena.namespace.httpGet(name, API_PORT, '/metrics');
    const aheadMs = 1000 * Number(LOG_TIME_AHEAD.exec(metrics)?.[1]);
    assert.ok(aheadMs < MOST_OFF_MS, `${name} tells that the log is ${aheadMs} ms ahead`);
  }
}

/** `ahead` as libfaketime takes it. */
const wrongClock =
  (ahead: string, aheadMs: number) =>
  async (arena: Arena): Promise<Strike> => {
    const wrong = `${IMAGE}-clock-${ahead}`;
    const built = ['--build-arg', `IMAGE=${IMAGE}`, '--build-arg', `AHEAD=${ahead}`];
    await arena.machine.image(wrong, '.', DOCKERFILE, ...built);
    const first = await firstOf(arena);
    const last = LOGGER_COUNT - 1;
    const pod = `${NAME}-${last}`;
    return strike({
      target: pod,
      make: async () => {
        const began = historyNow();
        const template = { spec: { containers: [{ name: 'logger', image: wrong }] } };
        await give(arena, { ...partitionedAt(last), template });
        await rolledOut(arena);
        await arena.lead(pod);
        const offMs = await clockOffMs(arena, pod);
        assert.ok(Math.abs(offMs - aheadMs) < MOST_OFF_MS, `the clock of ${pod} is off by ${offMs} ms`);
        await sleep(LEADS_MS);
        return began;
      },
      during: () => nothingGone(arena, first),
      heal: async () => {
        // By Helm, and by force: a field that kubectl has patched would be kubectl's, and the next upgrade refused.
        await arena.stack.upgrade(['--force-conflicts']);
        await rolledOut(arena);
        await give(arena, partitionedAt(0));
      },
    });
  };

export const CLOCKS: readonly Fault[] = [
  {
    name: 'clock of the leader an hour ahead',
    needs: 'lab',
    alone: true,
    prepare: wrongClock('1h', HOUR_MS),
  },
  {
    name: 'clock of the leader eight days ahead',
    needs: 'lab',
    alone: true,
    prepare: wrongClock('8d', 8 * DAY_MS),
  },
];
