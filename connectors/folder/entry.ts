/** What the file system tells of an entry, in the words of the contract. */
import type { BigIntStats } from 'node:fs';
import type { FileMeta, FileType } from '../kinds/files.js';

/** A folder has one constant version: what it holds are items of their own. */
export const FOLDER_VERSION = '';

/** A file that replaces another has another inode, one that is edited in place another time or size. */
export function versionOf(stats: BigIntStats): string {
  return stats.isDirectory() ? FOLDER_VERSION : `${stats.size}-${stats.mtimeNs}-${stats.ino}`;
}

/** Undefined for sockets, pipes and devices. */
export function typeOf(stats: BigIntStats): FileType | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : undefined;
}

/** A folder's time of change is left out: it says when something came or went in it, and that moves by itself. */
export function metaOf(stats: BigIntStats, type: FileType): FileMeta {
  const modified = type === 'folder' ? undefined : isoOf(stats.mtimeNs);
  // 0 where the file system does not tell.
  const created = stats.birthtimeNs > 0n ? isoOf(stats.birthtimeNs) : undefined;
  return {
    type,
    ...(modified !== undefined && { modified }),
    ...(created !== undefined && { created }),
    id: `${stats.dev}:${stats.ino}`,
  };
}

const SECOND_NS = 1_000_000_000n;
const MILLISECOND_NS = 1_000_000n;

/** ISO 8601 in UTC with as many digits as there are, at least three; undefined beyond the years that ISO 8601 has. */
export function isoOf(ns: bigint): string | undefined {
  const fraction = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const date = new Date(Number((ns - fraction) / MILLISECOND_NS));
  if (Number.isNaN(date.getTime())) return undefined;
  const digits = fraction
    .toString()
    .padStart(9, '0')
    .replace(/0{1,6}$/, '');
  return date.toISOString().replace('.000Z', `.${digits}Z`);
}

/**
 * Seconds since the epoch for `utimes`, which takes a double and cuts it to microseconds: rounded up by less than one, or,
 * where doubles are farther apart than that, by two, so that the milliseconds of `iso` stay what they are. Undefined for
 * what is not a time.
 */
export function secondsOf(iso: string | undefined): number | undefined {
  if (iso === undefined || Number.isNaN(Date.parse(iso))) return undefined;
  const micros = Number((/\.(\d{1,6})/.exec(iso)?.[1] ?? '').padEnd(6, '0'));
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return seconds + micros / 1e6 + (Math.abs(seconds) < FINE_SECONDS ? 2.4e-7 : 2e-6);
}

/** From the year 2106 on, doubles that count seconds are a microsecond apart, and more. */
const FINE_SECONDS = 2 ** 32;

/** For `utimes` of Node, which takes a number below 0 for the present, and a text for what it says. */
export function timeOf(seconds: number): string {
  return String(seconds);
}
