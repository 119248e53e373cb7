// dlog tail: prints records, from an offset on or the last ten, up to what is committed now or for as long as it may go on.
// Records are read no faster than they are printed.
import type { ReadRecord } from '../../client/index.ts';
import { recordJson, recordLine, shownLine } from '../output.ts';
import { type CommandContext, deadlineOf } from '../run.ts';

const DEFAULT_LAST_RECORDS = 10;

export async function tail(context: CommandContext): Promise<void> {
  const { client, invocation, terminal } = context;
  const { offsets } = await client.status({ signal: deadlineOf(context) });
  let end = offsets.commit;
  const lastOnes = Math.max(offsets.first, end - DEFAULT_LAST_RECORDS);
  const from =
    invocation.sinceMs !== null
      ? await client.offsetAt(invocation.sinceMs, { signal: deadlineOf(context) })
      : invocation.from === 'latest'
        ? end
        : (invocation.from ?? lastOnes);
  if (typeof from === 'number' && from > end) {
    // The logger that was asked may be behind: only the leader can say that there is no such offset.
    const wanted = { offset: from, limit: 1, linearizable: true, signal: deadlineOf(context) };
    end = (await client.read(wanted)).commit;
  }
  if (invocation.follow) {
    for await (const record of client.follow({ offset: from, signal: terminal.signal }))
      await print(record, context);
    return;
  }
  let next: number | 'earliest' = from;
  while (next === 'earliest' || next < end) {
    const answer = await client.read({ offset: next, signal: deadlineOf(context) });
    for (const record of answer.records) if (record.offset < end) await print(record, context);
    if (answer.next >= end || answer.records.length === 0) return;
    next = answer.next;
  }
}

async function print(record: ReadRecord, { invocation, terminal }: CommandContext): Promise<void> {
  const line = terminal.isScreen ? shownLine : recordLine;
  if (!terminal.out(invocation.json ? recordJson(record) : line(record))) await terminal.drained();
}
