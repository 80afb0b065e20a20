/**
 * One thread of the process that hashes blocks. Blocks change hands without being copied, and are used again: new ones
 * of this size cost the kernel as much as hashing them (`subtle.digest` copies its input besides: ten times the work on
 * the main thread).
 */
import { Worker } from 'node:worker_threads';
import { Fault } from './errors.js';
import { BLOCK_BYTES } from './files.js';

/** Plain JavaScript, so that it runs from sources and from what was built of them. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
parentPort.on('message', ({ id, block, bytes }) => {
  const digest = createHash('sha256').update(new Uint8Array(block, 0, bytes)).digest();
  parentPort.postMessage({ id, digest, block }, [block]);
});`;

interface Hashed {
  readonly id: number;
  readonly digest: Uint8Array;
  readonly block: ArrayBuffer;
}

interface Waiter {
  readonly resolve: (digest: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** Blocks kept for the next stream. */
const KEPT = 8;

const free: ArrayBuffer[] = [];
const waiting = new Map<number, Waiter>();
let thread: Worker | undefined;
let last = 0;

/** Room for one block; its content is whatever it held before. */
export function takeBlock(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(free.pop() ?? new ArrayBuffer(BLOCK_BYTES));
}

/** Gives a block back that is not hashed here. */
export function giveBlock({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (free.length < KEPT) free.push(buffer);
}

/** SHA-256 of the first `bytes` of a block, which must not be used any more. */
export function hashBlock(block: Uint8Array<ArrayBuffer>, bytes: number): Promise<Buffer> {
  const running = thread ?? start();
  const id = ++last;
  const { buffer } = block;
  // While something is being hashed the process has work to do.
  running.ref();
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    running.postMessage({ id, block: buffer, bytes }, [buffer]);
  });
}

function start(): Worker {
  const made = new Worker(PROGRAM, { eval: true });
  made.on('message', ({ id, digest, block }: Hashed) => {
    giveBlock(new Uint8Array(block));
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) made.unref();
    waiter?.resolve(Buffer.from(digest));
  });
  const end = (error: unknown): void => {
    if (thread === made) thread = undefined;
    const lost = new Fault('internal', 'the thread that hashes files ended', {
      next: 'it is tried again',
      cause: error,
    });
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
  };
  made.on('error', end);
  made.on('exit', end);
  made.unref();
  thread = made;
  return made;
}
