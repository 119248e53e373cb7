// A clock that is wrong by an hour, on one pod, which then leads. No clock of a container can be set by itself, so that pod gets
// the image under test with a library that shifts the time of day (clock/Dockerfile).
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import { IMAGE, NAME } from '../../support/kube-stack.ts';
import { type Arena, LOGGER_COUNT } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const LEADS_MS = 10_000;
const HOUR_MS = 3_600_000;
const MOST_OFF_MS = 60_000;
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

async function wrongClock(arena: Arena): Promise<Strike> {
  const wrong = `${IMAGE}-clock`;
  await arena.machine.image(wrong, '.', DOCKERFILE, '--build-arg', `IMAGE=${IMAGE}`);
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
      assert.ok(Math.abs(offMs - HOUR_MS) < MOST_OFF_MS, `the clock of ${pod} is off by ${offMs} ms`);
      await sleep(LEADS_MS);
      return began;
    },
    heal: async () => {
      // By Helm, and by force: a field that kubectl has patched would be kubectl's, and the next upgrade refused.
      await arena.stack.upgrade(['--force-conflicts']);
      await rolledOut(arena);
      await give(arena, partitionedAt(0));
    },
  });
}

export const CLOCKS: readonly Fault[] = [
  { name: 'clock of the leader an hour ahead', needs: 'lab', alone: true, prepare: wrongClock },
];
