// dlog members: the list, and its changes. The leader changes members one at a time and forgets the wish with its leadership,
// so it is repeated to whoever leads until the register shows what was wanted, or the time is over.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Membership } from '../../api/index.ts';
import { afterAccepted, CliError } from '../cli-error.ts';
import { jsonLine, memberTable } from '../output.ts';
import { type CommandContext, deadlineOf } from '../run.ts';

const POLL_MS = 200;

export async function listMembers(context: CommandContext): Promise<void> {
  const { client, invocation, terminal } = context;
  const membership = await client.membership({ signal: deadlineOf(context) });
  terminal.out(invocation.json ? jsonLine(membership) : memberTable(membership.members));
}

export const addMembers = (context: CommandContext): Promise<void> =>
  change(context, (ids) => [...ids, ...context.invocation.operands.filter((id) => !ids.includes(id))]);

export const removeMembers = (context: CommandContext): Promise<void> =>
  change(context, (ids) => ids.filter((id) => !context.invocation.operands.includes(id)));

async function change(
  context: CommandContext,
  wish: (ids: readonly string[]) => readonly string[],
): Promise<void> {
  const { client, invocation, terminal } = context;
  const signal = deadlineOf(context);
  const first = await client.membership({ signal });
  // Another operator's wish may still be under way: this one comes on top of it.
  const wanted = wish(first.wanted ?? idsOf(first));
  let now = await client.setMembers(wanted, { signal });
  try {
    while (!sameIds(idsOf(now), wanted)) {
      await sleep(POLL_MS, undefined, { signal });
      now = await client.membership({ signal });
      // A new leader knows nothing of it.
      if (now.wanted === null || !sameIds(now.wanted, wanted))
        now = await client.setMembers(wanted, { signal });
    }
  } catch (error) {
    if (terminal.signal.aborted) throw error;
    if (!signal.aborted)
      throw afterAccepted(error, `the leader was told to make ${wanted.join(', ')} members`);
    throw new CliError('not-in-time', unfinished(now, wanted, invocation.timeoutMs));
  }
  terminal.out(invocation.json ? jsonLine(now) : memberTable(now.members));
}

const idsOf = ({ members }: Membership): string[] => members.map(({ id }) => id);

const sameIds = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id) => b.includes(id));

/** The leader goes on with it: that is what whoever waits no longer should know. */
function unfinished(now: Membership, wanted: readonly string[], timeoutMs: number): string {
  const present = idsOf(now);
  const missing = wanted.filter((id) => !present.includes(id));
  const leaving = present.filter((id) => !wanted.includes(id));
  return [
    `not done within ${timeoutMs} ms; the leader goes on with it.`,
    ...(missing.length > 0
      ? [`Not members yet: ${missing.join(', ')} (running, connected, caught up?).`]
      : []),
    ...(leaving.length > 0 ? [`Members still: ${leaving.join(', ')}.`] : []),
  ].join(' ');
}
