// Under which addresses this logger tells others to reach it: as configured, or made from where it listens.
import { networkInterfaces } from 'node:os';

const ANY = new Set(['0.0.0.0', '::', '']);

/** As a URL has it: an IPv6 address in brackets. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The host under which others reach a listener: the pod's address, else the machine's first, of IPv4 if there is one. */
export function reachableHost(listenHost: string, podIp = '', interfaces = networkInterfaces()): string {
  if (!ANY.has(listenHost)) return inUrl(listenHost);
  if (podIp !== '') return inUrl(podIp);
  // A link-local address means nothing to others without the name that their interface has.
  const candidates = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const found = candidates.find(({ family }) => family === 'IPv4') ?? candidates[0];
  return inUrl(found?.address ?? loopback(interfaces));
}

/** 127.0.0.1, but on a machine that has IPv6 alone. */
export function loopback(interfaces = networkInterfaces()): string {
  const all = Object.values(interfaces).flatMap((list) => (list ?? []).map(({ address }) => address));
  return all.includes('::1') && !all.includes('127.0.0.1') ? '::1' : '127.0.0.1';
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
