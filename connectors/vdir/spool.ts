/** Bodies kept out of memory: appended to a file without a name, read back by place. It goes with its session. */
import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onFiles } from '../local/local-files.js';

/** Written in pieces of this size. */
const PIECE_BYTES = 1024 * 1024;

export interface Kept {
  readonly at: number;
  readonly bytes: number;
}

export class Spool {
  readonly #file: FileHandle;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #written = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Needs as much room in the temporary folder as it is given. Throws `Fault('quota')` when there is none. */
  static async make(): Promise<Spool> {
    const path = join(tmpdir(), `drover-${randomUUID()}.tmp`);
    return onFiles('keeping items in the temporary folder', async () => {
      const file = await open(path, 'wx+', 0o600);
      await unlink(path);
      return new Spool(file);
    });
  }

  async append(body: Buffer): Promise<Kept> {
    const at = this.#written + this.#waitingBytes;
    this.#waiting.push(body);
    this.#waitingBytes += body.length;
    if (this.#waitingBytes >= PIECE_BYTES) await this.flush();
    return { at, bytes: body.length };
  }

  /** What was appended can be read after this. */
  async flush(): Promise<void> {
    const piece = Buffer.concat(this.#waiting);
    for (let done = 0; done < piece.length; ) {
      const { bytesWritten } = await onFiles('keeping items in the temporary folder', () =>
        this.#file.write(piece, done, piece.length - done, this.#written + done),
      );
      done += bytesWritten;
    }
    this.#written += piece.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async read({ at, bytes }: Kept): Promise<Buffer> {
    const body = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await this.#file.read(body, 0, bytes, at);
    return body.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
