/** A problem before its place in the file is known, and the words for parts of a spec. */

export interface Problem {
  /** Keys and indexes from the root. */
  readonly path: readonly string[];
  /** Whether the key or the value is to be mended. */
  readonly at: 'key' | 'value';
  readonly message: string;
}

/** JSON Pointer to its steps (RFC 6901). */
export function readPointer(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function makePointer(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const PARTS: Readonly<Record<string, string>> = {
  sources: 'source',
  targets: 'target',
  selections: 'selection',
  schedules: 'schedule',
};

/** `source old`, `selection mail`, `selection 2`, or nothing for what belongs to none. */
export function partOf(path: readonly string[], spec: unknown): string | undefined {
  const [group, member] = path;
  const part = group === undefined ? undefined : PARTS[group];
  if (part === undefined || member === undefined) return undefined;
  if (group === 'sources' || group === 'targets') return `${part} ${shown(member)}`;
  const name = textAt(spec, [group as string, member, 'name']);
  return `${part} ${name === undefined ? Number(member) + 1 : shown(name)}`;
}

/** `include.folders[1]`, within its part; the part itself for a whole part. */
export function labelOf(path: readonly string[], spec: unknown): string {
  const part = partOf(path, spec);
  const steps = part === undefined ? path : path.slice(2);
  if (steps.length === 0) return part ?? 'the spec';
  return steps
    .map((step, index) => (/^[0-9]+$/.test(step) ? `[${step}]` : `${index === 0 ? '' : '.'}${shown(step)}`))
    .join('');
}

/** `auth of source old`, `source old`, `the spec`. */
export function whereOf(path: readonly string[], spec: unknown): string {
  const part = partOf(path, spec);
  const label = labelOf(path, spec);
  return part === undefined || path.length === 2 ? label : `${label} of ${part}`;
}

/** Values of a spec that may be of any shape. */
export function mappingAt(value: unknown, path: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  const found = valueAt(value, path);
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? (found as Readonly<Record<string, unknown>>)
    : undefined;
}

export function listAt(value: unknown, path: readonly string[]): readonly unknown[] | undefined {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : undefined;
}

export function textAt(value: unknown, path: readonly string[]): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' ? found : undefined;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string, unknown>)[step];
  }
  return found;
}

function shown(word: string): string {
  return /^[\w.@+-]{1,63}$/.test(word) ? word : JSON.stringify(word.slice(0, 63));
}
