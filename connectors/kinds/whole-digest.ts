/**
 * SHA-256 of a whole file that may be taken up in another process: what servers tell of large files, whose own digest
 * (files.ts) is one of blocks. In WebAssembly (hash-wasm), since Node's hashes cannot be saved; about 450 MB a second,
 * on the main thread: only for targets that can be asked for checksums.
 */
import { createSHA256 } from 'hash-wasm';
import { Fault } from '../errors.js';

export interface WholeDigest {
  /** Bytes that it covers, from the first one on. */
  readonly bytes: number;
  update(chunk: Uint8Array): void;
  /**
   * To go on with in another process. Between blocks of SHA-256, as parts end, it holds nothing of the content; elsewhere
   * up to 63 bytes. `last`: nothing follows, and all that is kept is the digest itself.
   */
  save(last?: boolean): Saved;
  /** Ends it: lower-case hex. */
  digest(): string;
}

export interface Saved {
  readonly state: Buffer;
  readonly bytes: number;
}

/** SHA-256 takes content in blocks, and its digest has half the size. */
const BLOCK = 64;
const DIGEST = 32;
/** In hash-wasm's state: behind a mark of its version. */
const BLOCK_AT = 4;

/** `saved`: what it covers already. */
export async function createWholeDigest(saved?: Saved): Promise<WholeDigest> {
  if (saved?.state.length === DIGEST) return ended(saved);
  const hasher = await createSHA256();
  if (saved) hasher.load(saved.state);
  else hasher.init();
  let bytes = saved?.bytes ?? 0;
  return {
    get bytes() {
      return bytes;
    },
    update(chunk) {
      hasher.update(chunk);
      bytes += chunk.length;
    },
    save(last = false) {
      if (last) return { state: Buffer.from(hasher.digest('binary')), bytes };
      const state = Buffer.from(hasher.save());
      // What is left there of blocks that were taken in long ago.
      state.fill(0, BLOCK_AT + (bytes % BLOCK), BLOCK_AT + BLOCK);
      return { state, bytes };
    },
    digest: () => hasher.digest('hex'),
  };
}

function ended(saved: Saved): WholeDigest {
  return {
    bytes: saved.bytes,
    update() {
      throw new Fault('internal', 'the digest of a whole file has ended', { next: 'report this with the file’s size' });
    },
    save: () => saved,
    digest: () => saved.state.toString('hex'),
  };
}
