// What loggers cost when nothing happens: memory and processor of each, after they have settled.
import { setTimeout as sleep } from 'node:timers/promises';
import { round } from './numbers.ts';
import { Rig } from './rig.ts';
import { processorSeconds, rssMiB } from './usage.ts';

const SETTLE_SECONDS = 15;

export interface IdleResult {
  readonly work: 'idle';
  readonly members: number;
  readonly seconds: number;
  readonly loggers: readonly {
    readonly id: string;
    readonly role: 'leader' | 'follower';
    readonly rssMiB: number;
    /** Of one core. */
    readonly corePercent: number;
  }[];
}

export async function idle({ members, seconds }: { members: number; seconds: number }): Promise<IdleResult> {
  await using rig = await Rig.start({ members });
  const leader = await rig.leader();
  await sleep(SETTLE_SECONDS * 1000);
  const all = rig.loggers.all.map((logger) => ({ logger, before: processorSeconds(logger.pid ?? 0) }));
  await sleep(seconds * 1000);
  const loggers = all.map(({ logger, before }) => ({
    id: logger.id,
    role: logger === leader ? ('leader' as const) : ('follower' as const),
    rssMiB: rssMiB(logger.pid ?? 0),
    corePercent: round(((processorSeconds(logger.pid ?? 0) - before) / seconds) * 100, 2),
  }));
  return { work: 'idle', members, seconds, loggers };
}
