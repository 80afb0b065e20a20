/**
 * One thread of the process that hashes pieces of shared memory: nothing is copied or handed over, so that a piece can be
 * on its way to a target while it is hashed. Pieces are few and used again, so that they stay in the processor's cache:
 * fetching content from memory once more costs half as much as hashing it.
 */
import { Worker } from 'node:worker_threads';
import { Fault } from '../errors.js';

/** Plain JavaScript, so that it runs from sources and from what was built of them. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const hashes = new Map();
parentPort.on('message', ({ id, hash, first, piece, bytes, ends }) => {
  if (first) hashes.set(hash, createHash('sha256'));
  const known = hashes.get(hash);
  if (piece) known?.update(new Uint8Array(piece, 0, bytes));
  if (ends) hashes.delete(hash);
  parentPort.postMessage({ id, isKnown: known !== undefined, digest: ends ? known?.digest() : undefined });
});`;

export const PIECE_BYTES = 1024 * 1024;

/** Room for PIECE_BYTES of content. */
export type Piece = Uint8Array<SharedArrayBuffer>;

interface Answer {
  readonly id: number;
  /** False for a hash that was begun in a thread that has ended since. */
  readonly isKnown: boolean;
  readonly digest: Uint8Array | undefined;
}

interface Waiter {
  readonly resolve: (digest: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Pieces kept for the next stream. */
const KEPT = 32;

const free: Piece[] = [];
const waiting = new Map<number, Waiter>();
let thread: Worker | undefined;
let last = 0;

/** What was given back last, with whatever it held before. */
export function takePiece(): Piece {
  return free.pop() ?? new Uint8Array(new SharedArrayBuffer(PIECE_BYTES));
}

/** Gives back a piece that nobody reads any more. One that is not given back is garbage. */
export function givePiece(piece: Piece): void {
  if (free.length < KEPT) free.push(piece);
}

/** SHA-256 of pieces in the order of their adding. Ends with `digest` or `drop`: until then the thread keeps its state. */
export class PieceHash {
  readonly #hash = ++last;
  #begun = false;

  /** Resolved once the first `bytes` of the piece were read; until then it must stay as it is. */
  async add({ buffer }: Piece, bytes: number): Promise<void> {
    const first = !this.#begun;
    this.#begun = true;
    await ask({ hash: this.#hash, first, piece: buffer, bytes });
  }

  async digest(): Promise<Buffer> {
    return Buffer.from((await ask({ hash: this.#hash, ends: true })) as Uint8Array);
  }

  drop(): void {
    ask({ hash: this.#hash, ends: true }).catch(() => {
      // It went with its thread.
    });
  }
}

interface Asking {
  readonly hash: number;
  readonly first?: boolean;
  readonly piece?: SharedArrayBuffer;
  readonly bytes?: number;
  readonly ends?: true;
}

function ask(asking: Asking): Promise<Uint8Array | undefined> {
  const running = thread ?? start();
  const id = ++last;
  // While something is being hashed the process has work to do.
  running.ref();
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    running.postMessage({ id, ...asking });
  });
}

function start(): Worker {
  const made = new Worker(PROGRAM, { eval: true });
  made.on('message', ({ id, isKnown, digest }: Answer) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) made.unref();
    if (isKnown) waiter?.resolve(digest);
    else waiter?.reject(lost());
  });
  const end = (error: unknown): void => {
    if (thread === made) thread = undefined;
    for (const { reject } of waiting.values()) reject(lost(error));
    waiting.clear();
  };
  made.on('error', end);
  made.on('exit', end);
  made.unref();
  thread = made;
  return made;
}

function lost(cause?: unknown): Fault {
  return new Fault('internal', 'the thread that hashes files ended', { next: 'it is tried again', cause });
}
