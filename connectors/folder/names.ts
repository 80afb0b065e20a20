/** Which names a file system keeps. */
import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { NameRules } from '../contract.js';
import { errnoOf } from '../local/local-files.js';

/** Linux (limits.h): bytes of a name, and of a whole path without the zero behind it. */
const NAME_BYTES = 255;
const PATH_BYTES = 4_095;

const RESERVED = [
  ...['CON', 'PRN', 'AUX', 'NUL'],
  ...Array.from({ length: 9 }, (_, n) => `COM${n + 1}`),
  ...Array.from({ length: 9 }, (_, n) => `LPT${n + 1}`),
];

/** What Windows allows in names (learn.microsoft.com, "Naming Files, Paths, and Namespaces"), as its file systems do here. */
const WINDOWS = { forbidden: '"*:<>?\\|', endings: '. ', reserved: RESERVED, caseless: true } as const;

/** By `f_type` of statfs(2): FAT, exFAT, NTFS (ntfs3), SMB. */
const OF_WINDOWS = new Set([0x4d44, 0x2011bab0, 0x7366746e, 0xfe534d42, 0xff534d42, 0x517b]);

/** The rules at `path`, which need not exist yet; without links. Looks at the file system each time. */
export function namesAt(path: string, platform: NodeJS.Platform = process.platform): NameRules {
  const root = resolve(path);
  const lengths = { nameBytes: NAME_BYTES, pathBytes: PATH_BYTES - Buffer.byteLength(root) - 1 };
  if (platform === 'win32') return { ...lengths, ...WINDOWS };
  // APFS and HFS+ as they come; a volume that tells case apart loses nothing by it but two names for one.
  if (platform === 'darwin') return { ...lengths, caseless: true, formless: true };
  return { ...lengths, ...(OF_WINDOWS.has(typeAt(root)) && WINDOWS) };
}

function typeAt(path: string): number {
  try {
    return statfsSync(path).type;
  } catch (error) {
    const parent = dirname(path);
    if (errnoOf(error) !== 'ENOENT' || parent === path) return 0;
    return typeAt(parent);
  }
}
