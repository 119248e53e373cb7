// The sockets on which the API listens. libuv takes one connection of each in a turn of its loop, and at overload a turn answers
// hundreds of requests: with one socket a newcomer among thousands of busy clients waited for a minute. So there are several on
// one port (SO_REUSEPORT), and the kernel spreads connections over them. All connections become those of one HTTP server.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { platform } from 'node:os';
import type { FastifyInstance } from 'fastify';

/** Elsewhere SO_REUSEPORT does not spread connections, or is not there. */
const LISTENERS = platform() === 'linux' ? 32 : 1;

/** The kernel spreads connections by chance: so much more than its share each one may hold. */
const UNEVEN = 4;

export interface ListenAt {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
}

export class Listeners {
  readonly #app: FastifyInstance;
  readonly #keepAliveInitialDelay: number;
  #more: Server[] = [];

  constructor(app: FastifyInstance, keepAliveInitialDelay: number) {
    this.#app = app;
    this.#keepAliveInitialDelay = keepAliveInitialDelay;
  }

  /**
   * Rejects when the port is taken. Port 0 takes a free one, no host all addresses. `backlog` is what all of them hold together, at
   * least.
   */
  async listen(at: ListenAt): Promise<void> {
    const { address: every, port } = await freePlace(at);
    const host = at.host || every;
    if (LISTENERS === 1) {
      await this.#app.listen({ ...at, host, port });
      return;
    }
    const backlog = Math.ceil((at.backlog / LISTENERS) * UNEVEN);
    const shared = { host, port, backlog, reusePort: true };
    await this.#app.listen(shared);
    const { address } = this.#app.server.address() as AddressInfo;
    for (let count = 1; count < LISTENERS; count += 1) {
      const server = this.#another();
      this.#more.push(server);
      server.listen({ ...shared, host: address });
      await once(server, 'listening');
    }
  }

  /** As Node's HTTP server makes its own. */
  #another(): Server {
    const options = {
      allowHalfOpen: !('setSecureContext' in this.#app.server),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.#keepAliveInitialDelay,
    };
    return createServer(options, (socket) => this.#app.server.emit('connection', socket));
  }

  /** Takes no more connections; resolves when those taken are closed. The server's own socket is not among these. */
  async close(): Promise<void> {
    const servers = this.#more;
    this.#more = [];
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}

/** Sockets that share a port do not notice another program of the same user that shares it too: one alone does. */
async function freePlace({ host, port }: ListenAt): Promise<AddressInfo> {
  const server = createServer().listen({ host, port });
  await once(server, 'listening');
  const taken = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return taken;
}
