/** What something costs, as CPU time of this process: other programs on the machine do not count. */
import { Script } from 'node:vm';

/** Milliseconds. */
export function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least of some tries: garbage is collected and code compiled in between now and then. */
export function leastCpuOf(work: () => unknown, tries = 3): number {
  return Math.min(...Array.from({ length: tries }, () => cpuOf(work)));
}

const WORK = Symbol.for('drover.work');
const CALL = new Script("globalThis[Symbol.for('drover.work')]()");
const LIMIT_MS = 60_000;

/** Ends work that would never end, also within one match of a pattern: it throws then. The limit says nothing of speed. */
export function ended(work: () => unknown): void {
  Object.assign(globalThis, { [WORK]: work });
  CALL.runInThisContext({ timeout: LIMIT_MS });
}
