/**
 * SHA-256 of a whole file that may be taken up in another process: what servers tell of large files, whose own digest
 * (files.ts) is one of blocks. In WebAssembly (hash-wasm), since Node's hashes cannot be saved; about 450 MB a second,
 * on the main thread: only for targets that can be asked for checksums.
 */
import { createSHA256 } from 'hash-wasm';

export interface WholeDigest {
  /** Bytes that it covers, from the first one on. */
  readonly bytes: number;
  update(chunk: Uint8Array): void;
  /** To go on with in another process. */
  save(): { readonly state: Buffer; readonly bytes: number };
  /** Ends it: lower-case hex. */
  digest(): string;
}

/** `saved`: what it covers already. */
export async function createWholeDigest(saved?: {
  readonly state: Buffer;
  readonly bytes: number;
}): Promise<WholeDigest> {
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
    save: () => ({ state: Buffer.from(hasher.save()), bytes }),
    digest: () => hasher.digest('hex'),
  };
}
