// dlog transfer: asks for the handover once, and waits until another logger is known to lead in the epoch to come or later.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAccepted, CliError } from '../cli-error.ts';
import { jsonLine } from '../output.ts';
import { type CommandContext, deadlineOf } from '../run.ts';

const POLL_MS = 20;

export async function transfer(context: CommandContext): Promise<void> {
  const { client, invocation, terminal } = context;
  const signal = deadlineOf(context);
  const [target] = invocation.operands;
  const { epoch, to } = await client.transfer({ signal, ...(target !== undefined && { to: target }) });
  try {
    for (;;) {
      const status = await client.status({ signal });
      if (status.epoch >= epoch && status.leader !== null) {
        const now = { epoch: status.epoch, leader: status.leader.id };
        terminal.out(invocation.json ? jsonLine(now) : `${now.leader} leads in epoch ${now.epoch}\n`);
        return;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (terminal.signal.aborted) throw error;
    if (!signal.aborted) throw afterAccepted(error, `${to} was asked to lead in epoch ${epoch}`);
    throw new CliError(
      'not-in-time',
      `${to} was asked to lead in epoch ${epoch}, and does not after ${invocation.timeoutMs} ms`,
    );
  }
}
