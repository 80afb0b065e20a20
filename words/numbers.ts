/** Numbers, sizes and times as people read them, everywhere. */

export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 message`, `2 messages`: the plain plural. */
export const plural = (value: number, word: string): string => `${count(value)} ${word}${value === 1 ? '' : 's'}`;

export function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? count(value) : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** Never rounds up to 100 % or down to 0 %: one item of a million shows. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–';
  if (part === whole) return '100 %';
  if (part === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent > 99.9) return '> 99.9 %';
  if (percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(1)} %`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${ms < 10_000 ? (ms / 1000).toFixed(1) : seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How far away a time is, in its largest unit: `just now`, `3 min ago`, `in 2 h`. */
export function ago(at: number | Date, now = Date.now()): string {
  const ms = Number(at) - now;
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds < 1) return ms > 0 ? 'in a moment' : 'just now';
  const [, per, unit] = STEPS.find(([from]) => seconds >= from) ?? [1, 1, 's'];
  const span = `${count(Math.floor(seconds / per))} ${unit}`;
  return ms > 0 ? `in ${span}` : `${span} ago`;
}

/** Hours up to two days, as people say them. */
const STEPS: readonly (readonly [from: number, per: number, unit: string])[] = [
  [172_800, 86_400, 'd'],
  [3600, 3600, 'h'],
  [60, 60, 'min'],
];

/** A time, to the second, that any clock can be compared with. */
export const instant = (at: number | Date): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
