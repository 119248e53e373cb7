// What operators do: rolling restarts and upgrades, scaling, draining a node.
import { historyNow } from '../../../src/verify/index.ts';
import { run } from '../../support/cluster.ts';
import { IMAGE } from '../../support/kube-stack.ts';
import { type Arena, LOGGER_COUNT } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const ROLLING = { gapMs: 300, noFailure: true };
const ROLLED_OUT = '--timeout=5m';
const LONG = { timeoutMs: 330_000 };
const SCALED_UP = 5;

/** Does it and waits for its end, which is the healing too. */
const rollout = (arena: Arena, target: string, begin: () => Promise<void>): Strike =>
  strike({
    target,
    newLeader: true,
    make: async () => {
      const began = historyNow();
      await begin();
      await arena.namespace.kubectl(['rollout', 'status', arena.stack.loggerSet, ROLLED_OUT], LONG);
      return began;
    },
  });

async function scale(arena: Arena): Promise<Strike> {
  const to = async (replicas: number): Promise<void> => {
    await arena.namespace.kubectl(['scale', arena.stack.loggerSet, `--replicas=${replicas}`]);
    await arena.membersAre(replicas);
  };
  return strike({
    target: `${LOGGER_COUNT} to ${SCALED_UP} and back`,
    make: async () => {
      const began = historyNow();
      await to(SCALED_UP);
      return began;
    },
    heal: () => to(LOGGER_COUNT),
  });
}

async function drain(arena: Arena): Promise<Strike> {
  const { node } = await arena.leader();
  const pods = '--pod-selector=app.kubernetes.io/name=distributed-logger';
  return strike({
    target: node,
    newLeader: true,
    make: async () => {
      const began = historyNow();
      await run('kubectl', ['drain', node, pods, '--delete-emptydir-data', ROLLED_OUT], LONG);
      return began;
    },
    heal: async () => {
      await run('kubectl', ['uncordon', node]);
    },
  });
}

/**
 * The tag of the image to upgrade to: given, or the same program under another name, which only a lab can make; back to the first
 * one where that is installed already.
 */
async function nextTag(arena: Arena): Promise<string> {
  const [repository = '', tag = ''] = IMAGE.split(/:(?=[^:/]*$)/);
  const next = process.env.UPGRADE_TAG || `${tag}-next`;
  const image = '--output=jsonpath={.spec.template.spec.containers[0].image}';
  if ((await arena.namespace.kubectl(['get', arena.stack.loggerSet, image])).endsWith(`:${next}`)) return tag;
  if (!process.env.UPGRADE_TAG) await arena.machine.image(`${repository}:${next}`, '.');
  return next;
}

export const ROLLOUTS: readonly Fault[] = [
  {
    name: 'kubectl rollout restart',
    needs: 'kubectl',
    alone: true,
    goal: ROLLING,
    prepare: async (arena) =>
      rollout(arena, arena.stack.loggerSet, async () => {
        await arena.namespace.kubectl(['rollout', 'restart', arena.stack.loggerSet]);
      }),
  },
  {
    name: 'helm upgrade to another image',
    needs: 'lab',
    alone: true,
    goal: ROLLING,
    prepare: async (arena) => {
      const tag = await nextTag(arena);
      return rollout(arena, tag, () => arena.stack.upgrade(['--set', `image.tag=${tag}`]));
    },
  },
  { name: 'kubectl scale 3 to 5 to 3', needs: 'kubectl', goal: ROLLING, alone: true, prepare: scale },
  { name: "node drain, the leader's", needs: 'kubectl', goal: ROLLING, alone: true, prepare: drain },
];
