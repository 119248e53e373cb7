// Single links of the leader's pod are cut, in both directions and without a word: by packet filters in the pod's own network
// namespace, so that it works as well towards a pod on the same node.
import { historyNow } from '../../../src/verify/index.ts';
import { run } from '../../support/cluster.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const CUT_MS = 20_000;
/** As for Consul and the API server away: nothing that a producer would notice. */
const NO_GAP = { gapMs: 300, noFailure: true };

/** Drops all between the pod and the addresses. */
export async function cutLinks(
  arena: Arena,
  pod: string,
  target: string,
  addresses: readonly string[],
  holdMs = CUT_MS,
): Promise<Strike> {
  // Held open: the fault beside this one may be the end of the process.
  const network = arena.machine.networkOf(await arena.pid(pod, 'logger'));
  const dropped: string[][] = [];
  return strike({
    target: `${pod} from ${target}`,
    make: async () => {
      const began = historyNow();
      for (const address of addresses)
        for (const rule of [
          ['OUTPUT', '--destination', address],
          ['INPUT', '--source', address],
        ]) {
          await network.run('iptables', '--wait', '--insert', ...rule, '--jump', 'DROP');
          dropped.push(rule);
        }
      return began;
    },
    holdMs,
    heal: async () => {
      for (const rule of dropped)
        await network.run('iptables', '--wait', '--delete', ...rule, '--jump', 'DROP');
      network.close();
    },
  });
}

async function apiServerAddresses(): Promise<string[]> {
  const slices = JSON.parse(
    await run('kubectl', [
      '--namespace',
      'default',
      'get',
      'service,endpoints',
      'kubernetes',
      '--output',
      'json',
    ]),
  ) as {
    items: { spec?: { clusterIP?: string }; subsets?: { addresses?: { ip: string }[] }[] }[];
  };
  return slices.items.flatMap(({ spec, subsets = [] }) => [
    ...(spec?.clusterIP ? [spec.clusterIP] : []),
    ...subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
  ]);
}

export const LINKS: readonly Fault[] = [
  {
    name: 'leader cut from Consul only',
    needs: 'lab',
    goal: NO_GAP,
    prepare: async (arena) => {
      const { name } = await arena.leader();
      const servers = await arena.consuls();
      return cutLinks(
        arena,
        name,
        'Consul',
        servers.map(({ address }) => address),
      );
    },
  },
  {
    name: 'leader cut from the API server only',
    needs: 'lab',
    goal: NO_GAP,
    prepare: async (arena) => {
      const { name } = await arena.leader();
      return cutLinks(arena, name, 'the API server', await apiServerAddresses());
    },
  },
  {
    name: 'leader cut from one follower only',
    needs: 'lab',
    goal: NO_GAP,
    prepare: async (arena) => {
      const { name } = await arena.leader();
      const [follower] = await arena.followers();
      if (follower === undefined) throw new Error('no follower');
      const { address } = await arena.pod(follower.name);
      return cutLinks(arena, name, follower.name, [address]);
    },
  },
  {
    name: 'leader cut from both followers',
    needs: 'lab',
    goal: { gapMs: 1500 },
    prepare: async (arena) => {
      const { name } = await arena.leader();
      const followers = (await arena.loggers()).filter((pod) => pod.name !== name);
      const cut = await cutLinks(
        arena,
        name,
        'both followers',
        followers.map(({ address }) => address),
      );
      return { ...cut, newLeader: true };
    },
  },
];
