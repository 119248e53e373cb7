// dlog restore: a copy of a data directory gets an identity of its own. The one command that touches files of a logger.
import { randomUUID } from 'node:crypto';
import { jsonLine } from '../output.ts';
import type { CommandContext } from '../run.ts';

export async function restore({ invocation, terminal }: CommandContext): Promise<void> {
  const directory = invocation.operands[0] as string;
  // The log brings native code along, which no other command has a use for.
  const { NodeDisk, renewIdentity } = await import('../../log/index.ts');
  const { formerUid, uid } = await renewIdentity({
    disk: new NodeDisk(),
    directory,
    randomUuid: randomUUID,
  });
  if (invocation.json) terminal.out(jsonLine({ directory, formerUid, uid }));
  else
    terminal.out(
      `${directory} was ${formerUid} and is ${uid} now: a logger may start with it, as a new member\n`,
    );
}
