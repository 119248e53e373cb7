// The main job on a real cluster: the chart is installed, a producer's numbers go through the leader Service into the
// log, and each way to lose the leader, or a Consul server, leaves one leader again and every number exactly once.
// The tests are one story in order: each begins with what the one before has left.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../src/api/index.ts';
import type { BenchResult } from '../../src/cli/bench/bench-result.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/cluster.ts';
import { nodeFaults } from '../support/kube-lab.ts';
import { assertExactlyOnce, longestGapMs, numbersOf } from '../support/kube-numbers.ts';
import { type LoggerPod, NAME, RECOVERY_MS, RELEASE, type Row, Stack } from '../support/kube-stack.ts';
import { storySteps } from '../support/kube-story.ts';

const PROGRESS = 20;

describe('the stack on a cluster', () => {
  let stack: Stack;
  let seenRecords = 0;
  const faults = nodeFaults();

  const step = storySteps(() => stack.namespace.diagnose());

  /** The producer's numbers go on, by `PROGRESS` more in the leader's log than now. */
  async function producerGoesOn(leader: LoggerPod): Promise<void> {
    const last = async () => numbersOf(await stack.log(leader.name)).at(-1) ?? 0;
    const goal = (await last()) + PROGRESS;
    await eventually(`number ${goal} is in the log`, RECOVERY_MS, async () =>
      (await last()) >= goal ? true : undefined,
    );
  }

  async function everyNumberOnce(): Promise<void> {
    const logs = new Map<string, readonly Row[]>();
    for (const { name } of await stack.loggers()) logs.set(name, await stack.log(name));
    const count = assertExactlyOnce(logs);
    assert.ok(count > 0);
    const lengths = [...logs].map(([name, rows]) => `${name} has ${rows.length} records`);
    console.log(`numbers 1 to ${count}, each once and in order: ${lengths.join(', ')}`);
    const rows = [...logs.values()][0] ?? [];
    console.log(
      `longest time between two records since the last look: ${longestGapMs(rows.slice(seenRecords))} ms`,
    );
    seenRecords = Math.max(0, rows.length - 1);
  }

  async function allReady(): Promise<void> {
    await eventually('all loggers are ready', RECOVERY_MS, async () => {
      const pods = await stack.loggers();
      return pods.length === 3 && pods.every(({ ready }) => ready) ? true : undefined;
    });
  }

  /** After a fault: one leader, of a newer epoch, and the producer goes on; all three loggers come back. */
  async function recovered(title: string, minEpoch: number): Promise<LoggerPod> {
    const leader = await stack.agreedLeader(minEpoch);
    await stack.show(title);
    await producerGoesOn(leader);
    await allReady();
    await everyNumberOnce();
    return leader;
  }

  before(async () => {
    stack = await Stack.install();
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  step('one pod carries the leader label, and the leader Service answers from it', async () => {
    const leader = await stack.agreedLeader();
    await stack.show(`installed: ${leader.name} leads`);
    await allReady();
    const others = (await stack.loggers()).filter(({ name }) => name !== leader.name);
    assert.deepEqual(
      others.map(({ role }) => role),
      ['follower', 'follower'],
    );
    await eventually('the election is an event of the pod', RECOVERY_MS, async () => {
      const asked = `--field-selector=involvedObject.name=${leader.name},reason=LeaderElected`;
      const { items } = await stack.namespace.get<{ items: unknown[] }>('events', asked);
      return items.length > 0 ? true : undefined;
    });
  });

  step("the producer's numbers are in the leader's log and in what it prints", async () => {
    const leader = await stack.agreedLeader();
    await producerGoesOn(leader);
    await everyNumberOnce();
    const mine = (await stack.log(leader.name)).filter(({ epoch }) => epoch === leader.epoch);
    const number = numbersOf(mine)[0];
    assert.ok(number !== undefined, 'the leader has taken a number');
    const printed = (await stack.namespace.kubectl(['logs', leader.name])).split('\n');
    assert.ok(
      printed.some((line) => line.includes(`"Received Message: ${number}"`)),
      `number ${number} is not in what ${leader.name} prints`,
    );
    console.log(`${leader.name} prints: ${printed.findLast((line) => line.includes('Received Message'))}`);
  });

  step('helm test passes', async () => {
    console.log(
      await stack.namespace.helm(['test', 'dlog', '--logs', '--timeout', '3m'], { timeoutMs: 200_000 }),
    );
  });

  step('dlog --kube, outside of the cluster: appends, reads, and measures through a handover', async () => {
    const at = ['--kube', '--namespace', stack.namespace.name, '--release', RELEASE];
    const dlog = async (...args: string[]): Promise<string> => {
      const { code, output, errors } = await runCli([...args, ...at]);
      assert.equal(code, 0, `dlog ${args.join(' ')}: ${errors}`);
      return output;
    };
    const leader = await stack.agreedLeader();
    const produced = JSON.parse(await dlog('produce', 'by dlog', '--json')) as { offset: number };
    const tail = (await dlog('tail', '--from', String(produced.offset))).split('\n');
    assert.equal(tail[0], 'by dlog');
    const benching = dlog('bench', '--seconds', '8', '--rate', '20', '--yes', '--json');
    await sleep(3000);
    const moved = JSON.parse(await dlog('transfer', '--json')) as { epoch: number; leader: string };
    assert.ok(moved.epoch > leader.epoch && moved.leader !== leader.name);
    console.log(`dlog bench through a handover: ${await benching}`);
    const { records, epochs, check } = JSON.parse(await benching) as BenchResult;
    assert.deepEqual([records, check], [160, { records: 160, lost: 0, repeated: 0, misplaced: 0 }]);
    assert.ok(epochs !== null && epochs.first <= leader.epoch && epochs.last === moved.epoch);
    const inside = await stack.namespace.kubectl(['exec', moved.leader, '--', 'dlog', 'status', '--json']);
    assert.equal((JSON.parse(inside) as Status).id, moved.leader);
    const { code, errors } = await runCli(['status', '--kube', '--namespace', 'no-such', '--json']);
    assert.deepEqual([code, JSON.parse(errors).error.code], [1, 'kube-no-loggers']);
    await recovered(`dlog handed leadership over to ${moved.leader}`, moved.epoch);
  });

  step(
    'dlog tail --follow --kube goes on through kubectl delete pod of the leader that it reads from',
    async () => {
      const at = ['--kube', '--namespace', stack.namespace.name, '--release', RELEASE];
      // All are ready, and the first of them by name is the one that a reader asks.
      const read = `${NAME}-0`;
      let old = await stack.agreedLeader();
      if (old.name !== read) {
        const { code, errors } = await runCli(['transfer', read, ...at]);
        assert.equal(code, 0, errors);
        old = await stack.agreedLeader(old.epoch + 1);
      }
      assert.equal(old.name, read);
      const from = (await stack.status(old.name)).offsets.commit;
      const tail = startCli(['tail', '--follow', '--from', String(from), '--json', ...at]);
      const grown = (what: string, goal: number): Promise<boolean> =>
        eventually(`${what}: ${goal} records are printed`, RECOVERY_MS, async () => {
          assert.equal(tail.code(), null, tail.errors());
          return tail.lines.length >= goal ? true : undefined;
        });
      try {
        await grown('before', PROGRESS);
        await stack.namespace.kubectl(['delete', 'pod', old.name, '--wait=false']);
        await recovered(`${old.name}, which dlog tail read from, was deleted`, old.epoch + 1);
        await grown('after', tail.lines.length + PROGRESS);
      } finally {
        const code = await tail.interrupt();
        assert.deepEqual([code, tail.errors()], [0, '']);
      }
      const rows = tail.lines.map((line) => JSON.parse(line) as Row);
      assert.deepEqual(
        rows.map(({ offset }) => offset),
        rows.map((_, at) => from + at),
        'each record once and in order',
      );
      const log = (await stack.log(old.name)).slice(from, from + rows.length);
      assert.deepEqual(
        rows.map(({ value }) => value),
        log.map(({ value }) => value),
      );
      console.log(
        `dlog tail followed ${rows.length} records through epochs ${old.epoch} to ${rows.at(-1)?.epoch}`,
      );
    },
  );

  step('kubectl delete pod of the leader moves leadership, label and Service', async () => {
    const old = await stack.agreedLeader();
    await stack.namespace.kubectl(['delete', 'pod', old.name, '--wait=false']);
    const leader = await recovered(`${old.name}, leader of epoch ${old.epoch}, was deleted`, old.epoch + 1);
    assert.notEqual(leader.uid, old.uid);
  });

  step('SIGKILL in the container: the label that outlives it is not kept', async () => {
    const old = await stack.agreedLeader();
    await stack.kill(old.name, 'logger');
    await eventually('the container runs again', RECOVERY_MS, async () => {
      const pod = (await stack.loggers()).find(({ name }) => name === old.name);
      return pod !== undefined && pod.uid === old.uid && pod.restarts === old.restarts + 1 && pod.ready
        ? true
        : undefined;
    });
    const leader = await recovered(`${old.name}, leader of epoch ${old.epoch}, was killed`, old.epoch + 1);
    const again = (await stack.loggers()).find(({ name }) => name === old.name);
    assert.ok(again);
    assert.ok(again.epoch > old.epoch, 'the label is decided anew');
    if (leader.name !== old.name) assert.equal(again.role, 'follower');
  });

  step('a killed Consul server, the one that leads the others, leaves one leader', async () => {
    await stack.consulWhole();
    const { epoch } = await stack.agreedLeader();
    const server = await stack.consulLeader();
    await stack.kill(server, 'consul');
    await recovered(`${server} was killed`, epoch);
  });

  step('a Consul server that stays away leaves one leader', async () => {
    await stack.consulWhole();
    const { epoch } = await stack.agreedLeader();
    await stack.namespace.kubectl(['scale', stack.consulSet, '--replicas=2']);
    await stack.namespace.kubectl([
      'wait',
      '--for=delete',
      `pod/${stack.consulSet.replace(/^.*\//, '')}-2`,
      '--timeout=2m',
    ]);
    await recovered('one Consul server of three is away', epoch);
    const leader = await stack.agreedLeader();
    await stack.namespace.kubectl(['delete', 'pod', leader.name, '--wait=false']);
    await recovered(`${leader.name} was deleted with one Consul server away`, leader.epoch + 1);
    await stack.namespace.kubectl(['scale', stack.consulSet, '--replicas=3']);
    await stack.namespace.kubectl(['rollout', 'status', stack.consulSet, '--timeout=3m'], {
      timeoutMs: 200_000,
    });
  });

  step(
    'a node that is cut off: others take the label off its pod, and when it is back it follows',
    async () => {
      assert.ok(faults);
      await stack.consulWhole();
      const old = await stack.agreedLeader();
      await faults.cut(old.node);
      try {
        const leader = await stack.agreedLeader(old.epoch + 1);
        assert.notEqual(leader.node, old.node);
        await stack.show(`${old.node} with ${old.name}, leader of epoch ${old.epoch}, is cut off`);
      } finally {
        await faults.join(old.node);
      }
      await recovered(`${old.node} is back`, old.epoch + 1);
    },
    { skip: faults === null && 'LAB is not set' },
  );
});
