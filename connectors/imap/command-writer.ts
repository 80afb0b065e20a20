/** Writes one command after the other, each literal when the server lets it come (RFC 9051, section 4.3). */
import type { Socket } from 'node:net';
import type { Command } from './command.js';

/** What may wait in this process for the network: enough to keep it busy. */
const WRITE_AHEAD_BYTES = 1024 * 1024;

export class CommandWriter {
  readonly #goesUnasked: (bytes: number) => boolean;
  #waiting: { readonly tag: string; readonly resolve: (go: boolean) => void } | undefined;
  #stopped = false;

  /** `goesUnasked` tells whether a literal of so many bytes need not wait for the server. */
  constructor(goesUnasked: (bytes: number) => boolean) {
    this.#goesUnasked = goesUnasked;
  }

  /** The server asks to go on; false when no literal waits for that. */
  proceed(): boolean {
    const waits = this.#waiting !== undefined;
    this.#release(true);
    return waits;
  }

  /** The server answered the command: when its literal still waits, it was refused. */
  answered(tag: string): void {
    if (this.#waiting?.tag === tag) this.#release(false);
  }

  stop(): void {
    this.#stopped = true;
    this.#release(false);
  }

  /** Resolves when all is handed to the socket, or the server has refused a literal. */
  async write(socket: Socket, tag: string, command: Command): Promise<void> {
    // Small pieces go out together. Corked, a socket sends nothing: it must not be while one waits.
    socket.cork();
    let text = `${tag} `;
    for (const piece of command.pieces) {
      if (typeof piece === 'string') {
        text += piece;
        continue;
      }
      const { literal, binary } = piece;
      const waits = !this.#goesUnasked(literal.length);
      socket.write(`${text}${binary ? '~' : ''}{${literal.length}${waits ? '' : '+'}}\r\n`, 'latin1');
      text = '';
      if (waits) {
        socket.uncork();
        // A refused literal has its command answered already: nothing more of it may follow.
        if (!(await this.#allowed(tag))) return;
        socket.cork();
      }
      socket.write(literal);
      if (socket.writableLength < WRITE_AHEAD_BYTES) continue;
      socket.uncork();
      await this.#drained(socket);
      socket.cork();
    }
    socket.write(`${text}\r\n`, 'latin1');
    socket.uncork();
  }

  #release(go: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(go);
  }

  #allowed(tag: string): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting = { tag, resolve };
    });
  }

  #drained(socket: Socket): Promise<void> {
    if (this.#stopped || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        socket.removeListener('drain', done);
        socket.removeListener('close', done);
        resolve();
      };
      socket.once('drain', done);
      socket.once('close', done);
    });
  }
}
