/** A line to an HTTP server that is cut, when it is told to, in the middle of the next PUT: half of its body has come by then. */
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface CuttingLine {
  readonly url: string;
  /** The next PUT of more than so many bytes is cut; `cuts` counts them. */
  cutNext(above: number): void;
  readonly cuts: number;
  stop(): Promise<void>;
}

/** The server has so long to do with it what it does. */
const SETTLE_MS = 50;

export async function startCuttingLine(to: { readonly port: number }): Promise<CuttingLine> {
  const sockets = new Set<Socket>();
  let above: number | undefined;
  let cuts = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: to.port, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    }
    let left: number | undefined;
    client.on('data', (chunk: Buffer) => {
      left ??= bytesUntilCut(chunk, above);
      if (left === undefined) return void upstream.write(chunk);
      above = undefined;
      if (left > 0) upstream.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0 || left + chunk.length <= 0) return;
      cuts++;
      setTimeout(() => {
        upstream.resetAndDestroy();
        client.resetAndDestroy();
      }, SETTLE_MS);
    });
    upstream.on('data', (chunk) => client.write(chunk));
    client.once('end', () => upstream.end());
    upstream.once('end', () => client.end());
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNext(bytes) {
      above = bytes;
    },
    get cuts() {
      return cuts;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((go) => server.close(go));
    },
  };
}

/** Of the request that begins with this chunk, up to the middle of its body; undefined: it is not one to be cut. */
function bytesUntilCut(chunk: Buffer, above: number | undefined): number | undefined {
  if (above === undefined || chunk.toString('latin1', 0, 4) !== 'PUT ') return undefined;
  const end = chunk.indexOf('\r\n\r\n') + 4;
  const length = Number(/content-length: (\d+)/i.exec(chunk.toString('latin1', 0, end))?.[1]);
  return length > above ? end + Math.floor(length / 2) : undefined;
}
