/** Digests of content that streams by: blocks are hashed off the main thread, so that the wire does not wait for it. */
import { createHash } from 'node:crypto';
import type { Digest } from './contract.js';
import { BLOCK_BYTES, digestOfBlocks } from './files.js';
import { giveBlock, hashBlock, takeBlock } from './hash-thread.js';

/** Blocks of one stream hashed at once, while the next one fills. */
const MOST = 2;

/** A way to another thread and back takes as long as hashing so much here. */
const FEW_BYTES = 256 * 1024;

/** Takes a stream chunk by chunk, beginning at a multiple of BLOCK_BYTES. Holds up to `MOST` + 1 blocks. */
export class FileDigest {
  readonly #blocks: Promise<Buffer>[] = [];
  #block: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #open = 0;
  bytes = 0;

  /** The chunk may be used again at once. When this answers a promise, the stream waits for it: hashing is behind. */
  update(chunk: Uint8Array): Promise<unknown> | undefined {
    this.bytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      this.#block ??= takeBlock();
      const taken = chunk.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled === BLOCK_BYTES) this.#endBlock();
    }
    return this.#open >= MOST ? this.#blocks[this.#blocks.length - MOST] : undefined;
  }

  /** The digests of all blocks, in order; ends the stream. */
  async blocks(): Promise<readonly Buffer[]> {
    if (this.#block && this.#blocks.length === 0 && this.#filled <= FEW_BYTES) return [this.#hashHere(this.#block)];
    if (this.#filled > 0) this.#endBlock();
    return Promise.all(this.#blocks);
  }

  /** The digest of the file, where the stream was the whole of it. */
  async digest(): Promise<Digest> {
    return digestOfBlocks(await this.blocks());
  }

  #hashHere(block: Uint8Array<ArrayBuffer>): Buffer {
    const digest = createHash('sha256').update(block.subarray(0, this.#filled)).digest();
    giveBlock(block);
    this.#block = undefined;
    return digest;
  }

  #endBlock(): void {
    this.#open++;
    const hashed = hashBlock(this.#block as Uint8Array<ArrayBuffer>, this.#filled).finally(() => this.#open--);
    this.#block = undefined;
    this.#filled = 0;
    // Whoever asks for the blocks hears of a failure.
    hashed.catch(() => {});
    this.#blocks.push(hashed);
  }
}

/** The digest of a whole stream. */
export async function digestStream(
  content: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const file = new FileDigest();
  for await (const chunk of content) {
    const behind = file.update(chunk);
    if (behind) await behind;
  }
  return { digest: await file.digest(), bytes: file.bytes };
}
