// Ends a child process when this one is gone, however it went: SIGKILL leaves no chance to clean up. A shell waits on a
// pipe from this process; the kernel closes the pipe when this process ends, and the shell then kills the child by its id.

import { spawn } from 'node:child_process';

/** Lifts the guard; called once the child has exited, so that its id, free again, is never killed. */
export type LiftGuard = () => void;

export function guardChild(pid: number): LiftGuard {
  const guard = spawn('/bin/sh', ['-c', 'read _; kill -KILL "$1" 2>/dev/null', 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // so that Ctrl-C in a terminal, sent to the whole process group, leaves it at its post
  });
  guard.once('error', () => {}); // without a shell the child merely goes unguarded
  guard.stdin.once('error', () => {}); // the guard may be gone before the pipe is
  guard.unref();
  return () => void guard.kill('SIGKILL');
}
