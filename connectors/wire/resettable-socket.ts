/** Sockets below HTTP that are reset when they are ended in the middle of a write, by whoever ends them. */
import type { SocketConstructorOpts } from 'node:net';
import { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';

export interface ConnectOptions {
  /** Milliseconds until there is a connection, or an encrypted one. */
  readonly timeout: number;
  /** Certificate of the server's own CA, in PEM. */
  readonly ca?: Buffer;
}

/** What undici gives to the sockets that it makes itself. */
const BUFFER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;

/** Timeouts, aborts and TLS end a socket each by itself, and all with `destroy`: so it is decided there. */
class ResettableSocket extends Socket {
  readonly #writing: () => boolean;
  #reason: Error | undefined;
  #ending = false;

  constructor(writing: () => boolean) {
    super({ highWaterMark: BUFFER_BYTES } as SocketConstructorOpts);
    this.#writing = writing;
  }

  override destroy(error?: Error): this {
    if (this.#ending || this.pending || this.destroyed || !this.#writing()) return super.destroy(error ?? this.#reason);
    this.#ending = true;
    this.#reason = error;
    // Comes back here, for the end proper.
    return this.resetAndDestroy();
  }
}

/**
 * A connector for undici's agents. A connection that ends while `writing` returns true is reset: the kernel throws away
 * what it has not sent yet, which else would land after somebody has looked for it. Others end in good order.
 */
export function resettingConnector(options: ConnectOptions, writing: () => boolean): buildConnector.connector {
  const secure = buildConnector(options);
  return (to, callback) => {
    const raw = new ResettableSocket(writing);
    raw.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    const encrypted = to.protocol === 'https:';
    raw.connect({ host: to.hostname, port: Number(to.port || (encrypted ? 443 : 80)) });
    if (encrypted) secure({ ...to, httpSocket: raw }, callback);
    else awaitConnection(raw, options.timeout, callback);
  };
}

function awaitConnection(raw: Socket, timeout: number, callback: buildConnector.Callback): void {
  const timer = setTimeout(() => {
    raw.destroy(new errors.ConnectTimeoutError(`no connection within ${timeout} ms`));
  }, timeout);
  const failed = (error: Error): void => {
    clearTimeout(timer);
    callback(error, null);
  };
  raw.once('error', failed);
  raw.once('connect', () => {
    clearTimeout(timer);
    raw.removeListener('error', failed);
    callback(null, raw);
  });
}
