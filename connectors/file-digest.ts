/** Digests of content that streams by: blocks are hashed off the main thread. */
import { webcrypto } from 'node:crypto';
import type { Digest } from './contract.js';
import { BLOCK_BYTES, digestOfBlocks } from './files.js';

/** Blocks hashed at once for one stream: one fills while the others are at it. */
const MOST = 2;

/**
 * Takes a stream chunk by chunk, beginning at a multiple of BLOCK_BYTES. Holds up to `MOST` + 1 blocks.
 * The hash runs on the thread pool (`subtle.digest` copies its input), so that the wire does not wait for it.
 */
export class FileDigest {
  readonly #blocks: Promise<Buffer>[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #open = 0;
  bytes = 0;

  /** Waits while too many blocks are still being hashed. The chunk may be used again when this returns. */
  async update(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      this.#block ??= Buffer.allocUnsafe(BLOCK_BYTES);
      const taken = chunk.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled === BLOCK_BYTES) await this.#endBlock();
    }
  }

  /** The digests of all blocks, in order; ends the stream. */
  async blocks(): Promise<readonly Buffer[]> {
    if (this.#filled > 0) await this.#endBlock();
    return Promise.all(this.#blocks);
  }

  /** The digest of the file, where the stream was the whole of it. */
  async digest(): Promise<Digest> {
    return digestOfBlocks(await this.blocks());
  }

  async #endBlock(): Promise<void> {
    const block = (this.#block as Buffer).subarray(0, this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    this.#open++;
    const hashed = webcrypto.subtle.digest('SHA-256', block).then((digest) => {
      this.#open--;
      return Buffer.from(digest);
    });
    // Whoever asks for the blocks hears of a failure.
    hashed.catch(() => {});
    this.#blocks.push(hashed);
    if (this.#open >= MOST) await this.#blocks[this.#blocks.length - MOST];
  }
}

/** The digest of a whole stream. */
export async function digestStream(
  content: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const file = new FileDigest();
  for await (const chunk of content) await file.update(chunk);
  return { digest: await file.digest(), bytes: file.bytes };
}
