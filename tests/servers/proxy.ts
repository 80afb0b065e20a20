/** A TCP proxy for tests and benchmarks: adds round-trip time, cuts connections, or lets them hang half-open. */
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface ProxyOptions {
  readonly to: { readonly host: string; readonly port: number };
  /** Delay in each direction, in milliseconds: 20 makes a round trip of 40. */
  readonly delayMs?: number;
  /** Cuts each connection after so many bytes from the client, or from the server. */
  readonly cutAfterClientBytes?: number;
  readonly cutAfterServerBytes?: number;
  /** How many connections the byte counts apply to, the first ones. Default: all. */
  readonly cuts?: number;
}

export interface TestProxy {
  readonly host: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Bytes passed on so far, over all connections. */
  readonly bytes: { readonly fromClient: number; readonly fromServer: number };
  /** Cuts every open connection now. */
  cut(): void;
  /** From now on swallows everything in both directions without closing: a half-open connection. */
  hang(): void;
  /** New connections work again; those that hung stay as they are. */
  heal(): void;
  stop(): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const bytes = { fromClient: 0, fromServer: 0 };
  let accepted = 0;
  let hanging = false;

  const server = createServer({ noDelay: true }, (client) => {
    accepted++;
    const limited = accepted <= (options.cuts ?? Number.POSITIVE_INFINITY);
    const upstream = connect({ ...options.to, noDelay: true });
    const cut = () => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    let hung = false;
    const dropped = () => {
      // What was swallowed once is out of step for good.
      hung ||= hanging;
      return hung;
    };
    pass({
      from: client,
      to: upstream,
      limit: limited ? options.cutAfterClientBytes : undefined,
      cut,
      dropped,
      count: (n) => {
        bytes.fromClient += n;
      },
    });
    pass({
      from: upstream,
      to: client,
      limit: limited ? options.cutAfterServerBytes : undefined,
      cut,
      dropped,
      count: (n) => {
        bytes.fromServer += n;
      },
    });
  });

  interface Direction {
    readonly from: Socket;
    readonly to: Socket;
    readonly limit: number | undefined;
    readonly cut: () => void;
    readonly dropped: () => boolean;
    readonly count: (bytes: number) => void;
  }

  function pass({ from, to, limit, cut, dropped, count }: Direction): void {
    let passed = 0;
    let waiting = 0;
    const later = (action: () => void) => {
      if (options.delayMs === undefined) action();
      else setTimeout(action, options.delayMs);
    };
    from.on('data', (chunk: Buffer) => {
      if (dropped()) return;
      const room = limit === undefined ? chunk.length : Math.max(0, limit - passed);
      const piece = chunk.subarray(0, room);
      passed += piece.length;
      count(piece.length);
      waiting += piece.length;
      // What is under way is bounded, or a slow reader would fill the memory.
      if (waiting > 32 * 1024 * 1024) from.pause();
      later(() => {
        if (to.destroyed) return;
        to.write(piece, () => {
          waiting -= piece.length;
          if (from.isPaused() && waiting < 16 * 1024 * 1024) from.resume();
          if (room < chunk.length) cut();
        });
      });
    });
    from.on('end', () => later(() => void (dropped() || to.end())));
    // The other side learns of a broken connection by its own closing.
    from.on('error', () => to.destroy());
    from.on('close', () => later(() => void (dropped() || to.destroy())));
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy got no port on 127.0.0.1');
  return {
    host: '127.0.0.1',
    port: address.port,
    get accepted() {
      return accepted;
    },
    bytes,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    hang() {
      hanging = true;
    },
    heal() {
      hanging = false;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
