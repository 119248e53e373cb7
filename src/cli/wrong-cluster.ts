// When Consul names no leader, the cluster that was asked for may be none: Consul knows the names of those that are.
import type { ClientOptions } from '../client/index.ts';

const TIMEOUT_MS = 1000;
const PREFIX = 'distributed-logger/';

/** What to try instead; null where Consul was not asked, does not answer, or has that cluster. */
export async function clustersHint(consul: ClientOptions['consul']): Promise<string | null> {
  const [url] = consul?.urls ?? [];
  if (consul === undefined || url === undefined) return null;
  const { token = '' } = consul;
  const names = await clustersIn(url, typeof token === 'function' ? token() : token);
  const wanted = consul.cluster ?? 'default';
  if (names === null || names.includes(wanted)) return null;
  return names.length === 0
    ? `no logger has ever led in this Consul: is it the one that the loggers use?`
    : `Consul has no cluster ${JSON.stringify(wanted)}, but ${names.join(', ')}: name one by --cluster NAME`;
}

/** Null where Consul does not tell: this only makes a hint better. */
async function clustersIn(url: string, token: string): Promise<string[] | null> {
  try {
    const query = `${url.replace(/\/$/, '')}/v1/kv/${PREFIX}?keys&separator=/`;
    const headers: Record<string, string> = token === '' ? {} : { 'x-consul-token': token };
    const answer = await fetch(query, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.status === 404) return [];
    const keys = (await answer.json()) as string[];
    return keys.map((key) => key.slice(PREFIX.length).replace(/\/$/, '')).sort();
  } catch {
    return null;
  }
}
