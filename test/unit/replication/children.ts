// Starts loggers' wires in processes of their own, and blocks main threads.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Owner } from './nodes.ts';

export interface ToChild {
  readonly blockMs: number;
  /** Takes steps meanwhile, as a turn with many requests does. */
  readonly steps: boolean;
}

export interface Child {
  readonly id: string;
  readonly peer: string;
  readonly process: ChildProcess;
  /**
   * Blocks the child's main thread, which takes steps meanwhile or not; `blocking` is called when it begins. Resolves when it
   * is over.
   */
  block(blockMs: number, blocking: () => void, steps?: boolean): Promise<void>;
}

/** The calling thread does nothing at all for that long. */
export function blockThread(blockMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
}

export async function startChild(
  owner: Owner,
  id: string,
  options: { readonly peers: readonly { id: string; peer: string }[]; readonly suspectMs: number },
): Promise<Child> {
  const child = fork(new URL('./child.ts', import.meta.url), [JSON.stringify({ id, ...options })]);
  owner.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const [address] = (await once(child, 'message')) as [{ id: string; peer: string }];
  return {
    ...address,
    process: child,
    block: async (blockMs, blocking, steps = false) => {
      child.send({ blockMs, steps } satisfies ToChild);
      const [began] = (await once(child, 'message')) as [string];
      if (began !== 'blocking') throw new Error(`the child says ${began}`);
      blocking();
      await once(child, 'message');
    },
  };
}
