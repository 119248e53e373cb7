// dlog status: what one logger knows.
import { jsonLine, memberTable, table } from '../output.ts';
import { type CommandContext, deadlineOf } from '../run.ts';

export async function showStatus(context: CommandContext): Promise<void> {
  const { client, invocation, terminal } = context;
  const status = await client.status({ signal: deadlineOf(context) });
  if (invocation.json) {
    terminal.out(jsonLine(status));
    return;
  }
  const { id, cluster, role, epoch, leader, offsets, damage, consul, label } = status;
  const reached = `${consul.reachable ? 'answers' : 'does not answer'}${consul.error ? `: ${consul.error}` : ''}`;
  const rows = [
    ['logger', id],
    ['cluster', cluster],
    ['role', role],
    ['epoch', String(epoch)],
    ['leader', leader ? `${leader.id} at ${leader.api}` : 'none known'],
    ['records', `${offsets.first} to ${offsets.commit} committed, end ${offsets.end}`],
    // Older loggers do not say.
    ...(damage ? [['damage', `${damage}: replace this logger's volume`]] : []),
    ['consul', reached],
    ...(label.enabled
      ? [['label', label.inSync ? `${label.observed}` : `not as wanted: ${label.error}`]]
      : []),
  ];
  terminal.out(`${table(rows)}\n${memberTable(status.members)}`);
}
