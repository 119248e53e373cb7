// An upgrade from the chart's previous version under load, and back: the producer goes on sending, each number is in the log once
// and in order, the loggers were replaced one at a time and Consul not at all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/cluster.ts';
import { assertExactlyOnce, longestGapMs, numbersOf } from '../support/kube-numbers.ts';
import { CHART, CONSUL, RECOVERY_MS, RELEASE, type Row, Stack } from '../support/kube-stack.ts';
import { PREVIOUS_CHART } from '../support/previous-chart.ts';

const PROGRESS = 40;
const WATCH_EVERY_MS = 500;
const MAJORITY = 2;

describe('an upgrade of the chart under load', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.install({}, { chart: PREVIOUS_CHART });
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  const uids = async (selector: string): Promise<string[]> => {
    const { items } = await stack.namespace.get<{ items: { metadata: { uid: string } }[] }>(
      'pods',
      `--selector=${selector}`,
    );
    return items.map(({ metadata }) => metadata.uid).sort();
  };

  async function sent(atLeast: number): Promise<void> {
    const leader = await stack.agreedLeader();
    await eventually(`number ${atLeast} is in the log`, RECOVERY_MS, async () =>
      (numbersOf(await stack.log(leader.name)).at(-1) ?? 0) >= atLeast ? true : undefined,
    );
  }

  /** Runs helm and waits for its rollout; the fewest loggers that were ready at a time, meanwhile. */
  async function watched(args: readonly string[]): Promise<number> {
    let [fewest, over] = [Number.POSITIVE_INFINITY, false];
    const watch = (async () => {
      while (!over) {
        fewest = Math.min(fewest, (await stack.loggers()).filter(({ ready }) => ready).length);
        await sleep(WATCH_EVERY_MS);
      }
    })();
    try {
      await stack.namespace.helm(args, { timeoutMs: 330_000 });
      await stack.namespace.kubectl(['rollout', 'status', stack.loggerSet, '--timeout=4m'], {
        timeoutMs: 250_000,
      });
    } finally {
      over = true;
      await watch;
    }
    return fewest;
  }

  async function everyNumberOnce(what: string): Promise<number> {
    const logs = new Map<string, readonly Row[]>();
    for (const { name } of await stack.loggers()) logs.set(name, await stack.log(name));
    const count = assertExactlyOnce(logs);
    const longest = longestGapMs([...logs.values()][0] ?? []);
    console.log(
      `${what}: numbers 1 to ${count}, each once and in order; longest time between two: ${longest} ms`,
    );
    return count;
  }

  for (const [what, args] of [
    [
      'to this version',
      ['upgrade', RELEASE, CHART, '--reset-then-reuse-values', '--wait', '--timeout', '5m'],
    ],
    ['back to the previous one', ['rollback', RELEASE, '1', '--wait', '--timeout', '5m']],
  ] as const)
    test(what, async () => {
      try {
        await sent(PROGRESS);
        const [loggers, consul] = [await uids('app.kubernetes.io/component=logger'), await uids(CONSUL)];
        const count = await everyNumberOnce(`before the change ${what}`);
        const fewest = await watched(args);
        assert.ok(fewest >= MAJORITY, `only ${fewest} loggers were ready at a time`);
        await sent(count + PROGRESS);
        await everyNumberOnce(`after the change ${what}`);
        const now = await uids('app.kubernetes.io/component=logger');
        assert.deepEqual(
          now.filter((uid) => loggers.includes(uid)),
          [],
          'every logger was replaced',
        );
        assert.deepEqual(await uids(CONSUL), consul, 'no Consul server was');
      } catch (error) {
        await stack.namespace.diagnose();
        throw error;
      }
    });
});
