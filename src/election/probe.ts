// Asks a logger's API whether it lives, when its name is claimed by another process. Only a clear "yes, I am that logger" counts:
// a pod that is gone answers nothing, and its address may answer as something else by now.
// By Node's own client: undici takes some fifteen megabytes of every logger, and few ever ask.

import type { IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { get as httpGet } from '../node-http.ts';
import type { Identity } from './identity.ts';

const probeTimeoutMs = 1000;
const maxAttempts = 2;
const answerLimitBytes = 256 * 1024;

/** True when a logger of this cluster and id answers at its address. */
export async function answersAs(other: Identity): Promise<boolean> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const found = await readIdentity(other.api);
    if (found !== null) return found.id === other.id && found.cluster === other.cluster;
  }
  return false;
}

/** Null for no answer, or none that is a logger's: for the question asked here that is all the same. */
async function readIdentity(api: string): Promise<{ id?: unknown; cluster?: unknown } | null> {
  try {
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const response = await get(`${api}/livez`, signal);
    const text = await readBounded(response);
    const answer: unknown = response.statusCode === 200 ? JSON.parse(text) : null;
    return typeof answer === 'object' ? answer : null;
  } catch {
    return null;
  }
}

/**
 * A certificate is not asked for: nothing secret is said here, and a wrong "yes" only keeps this logger from starting, which whoever
 * answers at an address that stands in Consul could bring about anyway.
 */
function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const send = url.startsWith('https:') ? httpsGet : httpGet;
  return new Promise((resolve, reject) => {
    send(url, { signal, agent: false, rejectUnauthorized: false }, resolve).on('error', reject);
  });
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerLimitBytes) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
