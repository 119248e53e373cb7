// A server that answers every request with the same bytes, in pieces, and closes.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Each piece costs a turn of the event loop. */
const PIECES_MAX = 8;

export class Teller {
  readonly #server: Server;
  #told = { status: 200, bytes: Buffer.alloc(0) as Buffer, pieceBytes: 1 };

  static async open(): Promise<Teller> {
    const server = createServer();
    const teller = new Teller(server);
    server.on('request', async (_, response) => {
      const { status, bytes, pieceBytes } = teller.#told;
      response.writeHead(status, { 'content-type': 'text/event-stream', connection: 'close' });
      const step = Math.max(pieceBytes, Math.ceil(bytes.length / PIECES_MAX));
      for (let from = 0; from < bytes.length; from += step) {
        response.write(bytes.subarray(from, from + step));
        await sleep(0);
      }
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return teller;
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  tell(status: number, bytes: Buffer, pieceBytes: number): void {
    this.#told = { status, bytes, pieceBytes };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
