/**
 * A thin line to a server, as a DSL uplink or a VPN is: slow towards the server, with buffers on the way that take far
 * more than a second of it. What is on it arrives also when its sender is dead. Each connection has a line of its own, so
 * that a new one overtakes what an old one left. The way back is fast.
 */
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface ThinLineOptions {
  readonly to: { readonly host: string; readonly port: number };
  /** Towards the server, for each connection. */
  readonly bytesPerSecond: number;
  /** What each connection's line holds. Kernel buffers come on top. Default: 2 MB. */
  readonly bufferBytes?: number;
  /** Delay in each direction, in milliseconds: 20 makes a round trip of 40. Default: none. */
  readonly delayMs?: number;
}

export interface ThinLine {
  readonly host: string;
  readonly port: number;
  /** Bytes on their way to the server now, over all connections. */
  readonly underWay: number;
  /** Bytes handed to the server so far, over all connections. */
  readonly carried: number;
  /** Resolves when all that dead senders left on the line has been handed to the server, and it has ended those connections. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

const STEP_MS = 20;
/** A machine that is busy steps late; what it missed is made up for, but not in one burst. */
const LONGEST_STEP_MS = 200;
const BUFFER_BYTES = 2_000_000;

interface Carrying {
  /** What waits to be carried, in order. */
  readonly queue: Buffer[];
  underWay: number;
  senderGone: boolean;
  ended: boolean;
}

export async function startThinLine(options: ThinLineOptions): Promise<ThinLine> {
  const { bytesPerSecond, bufferBytes = BUFFER_BYTES, delayMs = 0 } = options;
  const sockets = new Set<Socket>();
  const lines = new Set<Carrying>();
  let carried = 0;

  /** In order: timers of one delay fire as they were made. */
  const later = (action: () => void): void => {
    if (delayMs === 0) action();
    else setTimeout(action, delayMs);
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...options.to, noDelay: true, allowHalfOpen: true });
    const line: Carrying = { queue: [], underWay: 0, senderGone: false, ended: false };
    lines.add(line);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      line.queue.push(chunk);
      line.underWay += chunk.length;
      if (line.underWay >= bufferBytes) client.pause();
    });
    const gone = (): void => {
      line.senderGone = true;
    };
    client.on('end', gone);
    client.on('close', gone);
    // A reset says only that the sender is gone: what is on the line arrives.
    client.on('error', gone);
    const timer = everyStep(bytesPerSecond, (room) => {
      for (const chunk of take(line.queue, room)) {
        later(() => {
          line.underWay -= chunk.length;
          carried += chunk.length;
          if (!upstream.destroyed) upstream.write(chunk);
        });
      }
      if (client.isPaused() && line.underWay < bufferBytes) client.resume();
      if (line.senderGone && line.queue.length === 0 && !line.ended) {
        line.ended = true;
        later(() => upstream.end());
      }
    });
    upstream.on('data', (chunk) => later(() => void (client.destroyed || client.write(chunk))));
    upstream.on('end', () => later(() => client.end()));
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => {
      clearInterval(timer);
      lines.delete(line);
      later(() => client.destroy());
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the thin line got no port on 127.0.0.1');
  return {
    host: '127.0.0.1',
    port: address.port,
    get underWay() {
      return [...lines].reduce((sum, line) => sum + line.underWay, 0);
    },
    get carried() {
      return carried;
    },
    async drained() {
      while ([...lines].some(({ senderGone }) => senderGone)) await delay(STEP_MS);
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Calls `step` again and again with the bytes that may go since the last time. */
function everyStep(bytesPerSecond: number, step: (room: number) => void): NodeJS.Timeout {
  let last = performance.now();
  return setInterval(() => {
    const now = performance.now();
    step(Math.floor((bytesPerSecond * Math.min(now - last, LONGEST_STEP_MS)) / 1000));
    last = now;
  }, STEP_MS);
}

/** Takes the first `room` bytes off the queue. */
function* take(queue: Buffer[], room: number): Generator<Buffer> {
  for (let left = room; left > 0 && queue.length > 0; ) {
    const chunk = queue.shift() as Buffer;
    const piece = chunk.subarray(0, left);
    if (piece.length < chunk.length) queue.unshift(chunk.subarray(left));
    left -= piece.length;
    yield piece;
  }
}
