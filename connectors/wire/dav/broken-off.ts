/** A request that ends in the middle of its body, as a cut line ends it: to find out what a server keeps of such a one. */
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

export interface BrokenOff {
  readonly origin: string;
  /** Request line and headers, each with its line end, and the empty line behind them. */
  readonly head: string;
  readonly body: Buffer;
  readonly ca?: Buffer;
  /** Until there is a connection, and until the server has ended it, in milliseconds. */
  readonly timeoutMs: number;
}

/** Sends it, ends our half of the connection, and waits until the server has ended its own: then it has done with it. */
export async function breakOff({ origin, head, body, ca, timeoutMs }: BrokenOff, signal: AbortSignal): Promise<void> {
  const { protocol, hostname, port, host } = new URL(origin);
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, ...(ca && { ca }) });
  const socket = await new Promise<Socket>((resolve, reject) => {
    connect({ hostname, host, protocol, port }, (error, made) => (made ? resolve(made) : reject(error)));
  });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop);
  const timer = setTimeout(stop, timeoutMs);
  try {
    await new Promise<void>((ended) => {
      socket.once('close', () => ended());
      // A server that resets has ended it, too.
      socket.on('error', stop).resume();
      socket.write(head);
      socket.end(body);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
}
