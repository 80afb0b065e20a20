/**
 * Stands before a real IMAP server and decides, command by command, what reaches it and what is answered:
 * for words and endings that no installed server gives at the right moment. Needs a server with LITERAL+.
 */
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A whole command of the client, literals included. */
export interface GuardedCommand {
  readonly tag: string;
  /** Upper case, e.g. `APPEND`, `UID FETCH`. */
  readonly verb: string;
  readonly bytes: Buffer;
}

export type Verdict =
  /** The server gets it. */
  | 'pass'
  /** The server gets half of it, then both connections are reset. */
  | 'cut'
  /** The server gets half of it, the client is told BYE, and both connections end. */
  | 'bye'
  /** The server gets it and does it; the client never hears of it: reset as soon as the server answers. */
  | 'mute'
  /** The server does not get it; the client is answered with this, without tag and line end. */
  | { readonly answer: string };

export interface Gatekeeper {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startGatekeeper(
  to: { readonly host: string; readonly port: number },
  judge: (command: GuardedCommand) => Verdict,
): Promise<Gatekeeper> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: to.host, port: to.port, noDelay: true });
    let muted = false;
    const reset = () => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // The other side learns of it by its own closing.
      socket.on('error', () => socket.destroy());
    }
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    upstream.on('data', (chunk) => (muted ? reset() : client.write(chunk)));
    const obey = ({ tag, bytes }: GuardedCommand, verdict: Verdict): void => {
      if (typeof verdict === 'object') client.write(`${tag} ${verdict.answer}\r\n`);
      else if (verdict === 'pass') upstream.write(bytes);
      else if (verdict === 'mute') {
        muted = true;
        upstream.write(bytes);
      } else {
        upstream.write(bytes.subarray(0, bytes.length / 2), () => {
          if (verdict === 'cut') return reset();
          client.end('* BYE the server is going down\r\n');
          upstream.destroy();
        });
      }
    };
    readCommands(client, (command) => {
      if (muted || upstream.destroyed) return;
      obey(command, judge(command));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the gatekeeper got no port on 127.0.0.1');
  return {
    host: '127.0.0.1',
    port: address.port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Gathers commands with their literals, all of which must come unasked (`{n+}`). SASL answers count as commands. */
function readCommands(client: Socket, onCommand: (command: GuardedCommand) => void): void {
  let buffered: Buffer = Buffer.alloc(0);
  client.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (let end = commandEnd(buffered); end !== undefined; end = commandEnd(buffered)) {
      const bytes = buffered.subarray(0, end);
      buffered = buffered.subarray(end);
      const line = bytes.toString('latin1', 0, Math.min(200, bytes.indexOf('\r\n')));
      const [, tag = '', verb = ''] = /^(\S+) ((?:UID )?\S+)/i.exec(line) ?? [];
      onCommand({ tag, verb: verb.toUpperCase(), bytes });
    }
  });
}

/** Where the first command ends; undefined until it is all there. */
function commandEnd(buffered: Buffer): number | undefined {
  for (let at = 0; ; ) {
    const end = buffered.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const literal = /\{(\d+)(\+?)\}$/.exec(buffered.toString('latin1', Math.max(at, end - 30), end));
    if (!literal) return end + 2;
    if (literal[2] === '') throw new Error('the gatekeeper needs a client that uses LITERAL+');
    at = end + 2 + Number(literal[1]);
    if (buffered.length < at) return undefined;
  }
}
