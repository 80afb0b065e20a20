/**
 * Digests of content that streams by: its blocks are hashed off the main thread, piece by piece, so that the wire does
 * not wait for it.
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../contract.js';
import { BLOCK_BYTES, digestOfBlocks } from './files.js';
import type { Piece } from './hash-thread.js';
import { givePiece, PIECE_BYTES, PieceHash, takePiece } from './hash-thread.js';

/** Pieces of one stream that wait to be hashed, while the next one fills. */
const MOST = 6;

/** A way to another thread and back takes as long as hashing so much here. */
const FEW_BYTES = 256 * 1024;

/** At a low rate what has come is not held back for longer than this. */
const HELD_MS = 100;

/** Takes a stream, beginning at a multiple of BLOCK_BYTES. Holds up to `MOST` + 2 pieces. */
export class FileDigest {
  readonly #blocks: Promise<Buffer>[] = [];
  readonly #adding: Promise<void>[] = [];
  #hash: PieceHash | undefined;
  #inBlock = 0;
  #piece: Piece | undefined;
  #filled = 0;
  /** Passed on, but perhaps not out yet. */
  #before: Ended | undefined;
  bytes = 0;

  /** The chunk may be used again at once. When this answers a promise, the stream waits for it: hashing is behind. */
  update(chunk: Uint8Array): Promise<unknown> | undefined {
    for (let at = 0; at < chunk.length; ) {
      at += this.#fill(chunk, at);
      if (this.#filled === PIECE_BYTES) giveBack(...this.#endPiece());
    }
    return this.#behind();
  }

  /**
   * Passes a stream on in larger pieces while it is hashed: what a socket gives in its chunks of 64 KiB costs more to hand
   * from one to the next than to send. A piece is its taker's until the next is asked for; what a socket then still holds
   * of it stays as it is until the next has been taken, too.
   */
  async *through(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let passed = 0;
    let since = performance.now();
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length; ) {
        at += this.#fill(chunk, at);
        const isFull = this.#filled === PIECE_BYTES;
        if (!isFull && performance.now() - since < HELD_MS) continue;
        const part = (this.#piece as Piece).subarray(passed, this.#filled);
        passed = isFull ? 0 : this.#filled;
        const ended = isFull ? this.#endPiece() : undefined;
        yield part;
        since = performance.now();
        if (!ended) continue;
        if (this.#before) giveBack(...this.#before);
        this.#before = ended;
        const behind = this.#behind();
        if (behind) await behind;
      }
    }
    if (this.#filled > passed) yield (this.#piece as Piece).subarray(passed, this.#filled);
  }

  /** The digests of all blocks, in order. Ends the stream, all of which has arrived where it was passed on to. */
  async blocks(): Promise<readonly Buffer[]> {
    if (this.#before) giveBack(...this.#before);
    this.#before = undefined;
    if (this.#piece && this.bytes <= FEW_BYTES) return [this.#hashHere(this.#piece)];
    if (this.#filled > 0) giveBack(...this.#endPiece());
    if (this.#hash) this.#endBlock(this.#hash);
    return Promise.all(this.#blocks);
  }

  /** The digest of the file, where the stream was the whole of it. */
  async digest(): Promise<Digest> {
    return digestOfBlocks(await this.blocks());
  }

  /** Ends a stream that was broken off; harmless after `blocks`. */
  end(): void {
    this.#hash?.drop();
    this.#hash = undefined;
  }

  /** Takes in what the piece has room for of the chunk from `at` on, and answers how much that was. */
  #fill(chunk: Uint8Array, at: number): number {
    this.#piece ??= takePiece();
    const taken = chunk.subarray(at, at + PIECE_BYTES - this.#filled);
    this.#piece.set(taken, this.#filled);
    this.#filled += taken.length;
    this.bytes += taken.length;
    return taken.length;
  }

  #behind(): Promise<unknown> | undefined {
    return this.#adding.length >= MOST ? this.#adding[0] : undefined;
  }

  #hashHere(piece: Piece): Buffer {
    const digest = createHash('sha256').update(piece.subarray(0, this.#filled)).digest();
    givePiece(piece);
    this.#piece = undefined;
    return digest;
  }

  #endPiece(): Ended {
    const piece = this.#piece as Piece;
    this.#hash ??= new PieceHash();
    const added = this.#hash.add(piece, this.#filled);
    this.#adding.push(added);
    // They are taken in one after the other. Whoever asks for the blocks hears of a failure.
    added.catch(() => {}).finally(() => this.#adding.shift());
    this.#inBlock += this.#filled;
    this.#piece = undefined;
    this.#filled = 0;
    if (this.#inBlock === BLOCK_BYTES) this.#endBlock(this.#hash);
    return [piece, added];
  }

  #endBlock(hash: PieceHash): void {
    const digest = hash.digest();
    digest.catch(() => {});
    this.#blocks.push(digest);
    this.#hash = undefined;
    this.#inBlock = 0;
  }
}

type Ended = readonly [piece: Piece, hashed: Promise<unknown>];

/** Once it is hashed. A piece whose hashing failed, or whose stream was broken off, is not used again. */
function giveBack(piece: Piece, hashed: Promise<unknown>): void {
  hashed.then(
    () => givePiece(piece),
    () => {},
  );
}

/** The digest of a whole stream. */
export async function digestStream(
  content: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const file = new FileDigest();
  try {
    for await (const chunk of content) {
      const behind = file.update(chunk);
      if (behind) await behind;
    }
    return { digest: await file.digest(), bytes: file.bytes };
  } finally {
    file.end();
  }
}
