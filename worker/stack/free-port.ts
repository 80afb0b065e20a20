import { createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that nobody listens on: the preferred one if it is free. Another process may take
 * it before the caller does; whoever starts a server on it tries again with another.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const taken = await listen(preferred);
    if (taken !== undefined) return taken;
  }
  const port = await listen(0);
  if (port === undefined) throw new Error('no free port on 127.0.0.1: end some of the programs that listen there');
  return port;
}

function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}
