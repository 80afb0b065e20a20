/** A line that can be shut: what a client sends then stays in the client's kernel, until it is opened or thrown away. */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface Dam {
  readonly host: string;
  readonly port: number;
  /** From now on nothing more is read of what clients send. */
  shut(): void;
  /** Bytes that the kernels of clients hold, sent by the process and not taken by the dam. Linux only. */
  held(): Promise<number>;
  /** Reads again; resolves, when all connections have ended, with the bytes that came since the dam was shut. */
  open(): Promise<number>;
  /** How the first client ended its connection. */
  readonly firstEnd: Promise<'in order' | 'reset'>;
  stop(): Promise<void>;
}

export async function startDam(to: { readonly host: string; readonly port: number }): Promise<Dam> {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const ends: Promise<void>[] = [];
  let isShut = false;
  let since = 0;
  let ended: (how: 'in order' | 'reset') => void = () => undefined;
  const firstEnd = new Promise<'in order' | 'reset'>((resolve) => {
    ended = resolve;
  });
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ ...to, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    clients.add(client);
    ends.push(new Promise((resolve) => client.once('close', () => resolve())));
    client.once('close', () => {
      clients.delete(client);
      upstream.destroy();
    });
    client.on('error', () => {
      ended('reset');
      client.destroy();
    });
    client.on('data', (chunk) => {
      if (isShut) since += chunk.length;
      if (!upstream.destroyed) upstream.write(chunk);
    });
    client.on('end', () => {
      ended('in order');
      upstream.end();
    });
    upstream.on('data', (chunk) => void (client.destroyed || client.write(chunk)));
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the dam got no port on 127.0.0.1');
  const { port } = address;
  return {
    host: '127.0.0.1',
    port,
    firstEnd,
    shut() {
      isShut = true;
      for (const client of clients) client.pause();
    },
    held: () => heldTowards(port),
    async open() {
      for (const client of clients) client.resume();
      await Promise.all(ends);
      return since;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The send queues of connections to a port of 127.0.0.1, in bytes, from the table of the kernel. */
async function heldTowards(port: number): Promise<number> {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map((row) => row.trim().split(/\s+/));
  const queues = rows.filter((row) => row[2] === remote).map((row) => Number.parseInt(row[4] as string, 16));
  return queues.reduce((sum, bytes) => sum + bytes, 0);
}
