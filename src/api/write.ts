// Writes no faster than the client reads. What bounds the wait is the server's stall timeout, which knows the progress
// inside one long write, and for a client that takes a little again and again the drain timeout (slow-readers.ts): they
// destroy the connection, and that aborts the signal.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** True when there is room for more, false when `signal` was aborted: the client is gone or the API closes. */
export async function writeAndDrain(
  response: ServerResponse,
  text: string | Buffer,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (response.write(text)) return true;
  try {
    await once(response, 'drain', { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
