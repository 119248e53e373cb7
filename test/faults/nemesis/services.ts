// What the loggers lean on goes away: Consul, the API server.
import { setTimeout as sleep } from 'node:timers/promises';
import { historyNow } from '../../../src/verify/index.ts';
import { run } from '../../support/cluster.ts';
import { NAME } from '../../support/kube-stack.ts';
import type { Arena } from '../arena.ts';
import { type Fault, type Strike, strike } from '../fault.ts';

const AWAY_MS = 60_000;
const READY_POLL_MS = 500;
const READY_MS = 60_000;
/** The time between two appends of one producer, and what the machine adds: everything above would be a gap. */
const NO_GAP = { gapMs: 300, noFailure: true };

export async function withoutConsul(arena: Arena, holdMs = AWAY_MS): Promise<Strike> {
  const servers = (await arena.consuls()).length;
  const scale = (replicas: number) =>
    arena.namespace.kubectl(['scale', arena.stack.consulSet, `--replicas=${replicas}`]);
  return strike({
    target: `${servers} servers`,
    make: async () => {
      const began = historyNow();
      await scale(0);
      const pods = Array.from({ length: servers }, (_, index) => `pod/${NAME}-consul-${index}`);
      await arena.namespace.kubectl(['wait', '--for=delete', ...pods, '--timeout=90s']);
      return began;
    },
    holdMs,
    heal: async () => {
      await scale(servers);
    },
  });
}

export async function withoutApiServer(arena: Arena, holdMs = AWAY_MS): Promise<Strike> {
  let startAgain = (): void => {};
  return strike({
    target: 'the API server',
    make: async () => {
      const began = historyNow();
      startAgain = await arena.machine.stopApiServer();
      return began;
    },
    holdMs,
    heal: async () => {
      startAgain();
      const endMs = historyNow() + READY_MS;
      while (!(await run('kubectl', ['get', '--raw=/readyz']).catch(() => null))) {
        if (historyNow() > endMs) throw new Error('the API server does not come back');
        await sleep(READY_POLL_MS);
      }
    },
  });
}

async function frozenApiServer(arena: Arena): Promise<Strike> {
  const pid = arena.machine.apiServerPid();
  return strike({
    target: 'the API server',
    make: async () => {
      process.kill(pid, 'SIGSTOP');
      return historyNow();
    },
    holdMs: AWAY_MS,
    heal: async () => {
      process.kill(pid, 'SIGCONT');
      await sleep(READY_POLL_MS);
      arena.machine.mendVolumes();
    },
  });
}

export const SERVICES: readonly Fault[] = [
  {
    name: 'all Consul servers stopped 60 s',
    needs: 'kubectl',
    alone: true,
    goal: NO_GAP,
    prepare: (arena) => withoutConsul(arena),
  },
  {
    name: "Consul's own leader killed",
    needs: 'kubectl',
    goal: NO_GAP,
    prepare: async (arena) => {
      const { name } = await arena.consulLeader();
      return strike({ target: name, make: () => arena.signal(name, 'consul', 'SIGKILL') });
    },
  },
  {
    name: 'API server stopped 60 s',
    needs: 'lab',
    alone: true,
    goal: NO_GAP,
    prepare: (arena) => withoutApiServer(arena),
  },
  {
    name: 'API server frozen 60 s',
    needs: 'lab',
    alone: true,
    goal: NO_GAP,
    long: true,
    prepare: frozenApiServer,
  },
];
