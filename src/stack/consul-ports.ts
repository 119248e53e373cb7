// Free ports for Consul servers on this machine. They are looked for below the range that the kernel gives to outgoing
// connections, so that a port stays free while its server is down for a test.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { inUrl, loopback } from '../logger/addresses.ts';

/** Where all of the stack listens, and as URLs have it. */
export const host = loopback();
export const urlHost = inUrl(host);
const lowest = 20_000;
const highest = 32_000;
const maxAttempts = 200;

/** `count` distinct ports, free for TCP and UDP at the moment of the call. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < maxAttempts && ports.size < count; attempt++) {
    const port = randomInt(lowest, highest);
    if (!ports.has(port) && (await freeForTcp(port)) && (await freeForUdp(port))) ports.add(port);
  }
  if (ports.size < count) throw new Error(`found no ${count} free ports between ${lowest} and ${highest}`);
  return [...ports];
}

const freeForTcp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

const freeForUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
