/** A file of any size, seen through one window: searching many GB takes a megabyte of memory. */
import type { FileHandle } from 'node:fs/promises';

const WINDOW = 1 << 20;

export class FileWindow {
  readonly size: number;
  readonly #handle: FileHandle;
  #at = 0;
  #window: Buffer = Buffer.alloc(0);

  /** `size`: what the file held when it was opened; what is appended later is not seen. */
  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  /** The same file as it is now: nothing read before is used again. */
  anew(): FileWindow {
    return new FileWindow(this.#handle, this.size);
  }

  /** The bytes from `at`, fewer than `length` only at the end of the file. Valid for ever: windows are not reused. */
  async bytes(at: number, length: number): Promise<Buffer> {
    const end = Math.min(at + length, this.size);
    if (at >= end) return Buffer.alloc(0);
    if (at < this.#at || end > this.#at + this.#window.length) await this.#load(at, Math.max(end - at, WINDOW));
    return this.#window.subarray(at - this.#at, end - this.#at);
  }

  /** Where `needle` is first found at or after `from`; -1 when nowhere before `until`. */
  async indexOf(needle: Buffer, from: number, until = this.size): Promise<number> {
    for (let at = from; at < until; ) {
      const inWindow = at >= this.#at && at + needle.length <= this.#at + this.#window.length;
      if (!inWindow) await this.#load(at, WINDOW);
      const found = this.#window.indexOf(needle, at - this.#at);
      if (found !== -1) return this.#at + found < until ? this.#at + found : -1;
      const end = this.#at + this.#window.length;
      if (end >= this.size) return -1;
      at = Math.max(at + 1, end - needle.length + 1);
    }
    return -1;
  }

  async #load(at: number, wanted: number): Promise<void> {
    const length = Math.min(wanted, this.size - at);
    const window = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(window, filled, length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#at = at;
    this.#window = window.subarray(0, filled);
    // A file that was cut meanwhile would be searched for ever.
    if (filled < length)
      throw Object.assign(new Error('the file became shorter while it was read'), { code: 'ESTALE' });
  }
}
