// Under which addresses this logger tells others to reach it: as configured, or made from where it listens.
import { networkInterfaces } from 'node:os';

const ANY = new Set(['0.0.0.0', '::', '']);

/** The first address of this machine that others can reach; loopback when there is none. */
export function reachableHost(listenHost: string): string {
  if (!ANY.has(listenHost)) return listenHost.includes(':') ? `[${listenHost}]` : listenHost;
  const candidates = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = candidates.find(({ internal, family }) => !internal && family === 'IPv4');
  return found?.address ?? '127.0.0.1';
}

/** `id=host:port,…` as the configuration has checked it. */
export function parsePeers(text: string): { id: string; peer: string }[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      return { id: part.slice(0, at), peer: part.slice(at + 1) };
    });
}
