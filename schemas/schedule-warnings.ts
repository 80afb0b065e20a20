/** Schedules that work, though perhaps not as they are meant. */
import type { Manifests } from './assemble.js';
import { manifestOf } from './assemble.js';
import { longestGapMs, readCron } from './cron.js';
import { parseDuration } from './duration.js';
import type { Problem } from './problem.js';
import { labelOf, listAt, mappingAt, partOf, textAt } from './problem.js';

/** Warnings for a spec without problems. */
export function scheduleWarnings(spec: unknown, manifests: Manifests): Problem[] {
  return (listAt(spec, ['schedules']) ?? []).flatMap((_, index) => {
    const path = ['schedules', String(index)];
    return [...tokenWarnings(spec, manifests, path), ...cronWarnings(spec, path), ...restlessWarnings(spec, path)];
  });
}

/** Systems whose sync tokens are forgotten between two starts: each run then lists everything again. */
function tokenWarnings(spec: unknown, manifests: Manifests, path: readonly string[]): Problem[] {
  const start = startsOf(spec, path);
  if (start === undefined) return [];
  const listed = new Map<string, string>();
  for (const name of listAt(spec, [...path, 'selections']) ?? []) {
    const selection = (listAt(spec, ['selections']) ?? []).find((each) => textAt(each, ['name']) === name);
    const [from, to] = [textAt(selection, ['from']), textAt(selection, ['to'])];
    const read = [['sources', from]];
    // The target is listed too when both sides are kept in step.
    if (textAt(selection, ['mode']) === 'two-way') read.push(['targets', to]);
    for (const [group, system] of read) {
      if (group === undefined || system === undefined) continue;
      const life = tokenLifeOf(spec, manifests, [group, system]);
      const ms = life === undefined ? undefined : parseDuration(life);
      if (life !== undefined && ms !== undefined && start.gapMs > ms) {
        listed.set(partOf([group, system], spec) as string, life);
      }
    }
  }
  return [...listed].map(([system, life]) => ({
    path: [...path, start.field],
    at: 'value',
    message: `${labelOf(path, spec)} starts ${start.words}, but the sync tokens of ${system} live ${life}: each start lists everything again`,
  }));
}

/** Each start looks at every account and every folder; what starts oftener than it ends never rests. */
const RESTLESS_MS = 60_000;

function restlessWarnings(spec: unknown, path: readonly string[]): Problem[] {
  const every = textAt(spec, [...path, 'every']);
  const ms = every === undefined ? undefined : parseDuration(every);
  if (ms === undefined || ms >= RESTLESS_MS) return [];
  const message = `${labelOf(path, spec)} starts every ${every}, and looks at all accounts each time; 1m or more is kind to the servers`;
  return [{ path: [...path, 'every'], at: 'value', message }];
}

/** How long a system's sync tokens live, as the spec or its connector says; undefined where they do not die. */
function tokenLifeOf(spec: unknown, manifests: Manifests, system: readonly string[]): string | undefined {
  const option = manifestOf(manifests, textAt(spec, [...system, 'type']))?.options.properties.tokenLife;
  return option && (textAt(spec, [...system, 'tokenLife']) ?? textAt(option, ['default']));
}

/** The longest time between two starts, and how to say it. */
function startsOf(
  spec: unknown,
  path: readonly string[],
): { readonly gapMs: number; readonly field: string; readonly words: string } | undefined {
  const schedule = mappingAt(spec, path);
  const [every, cron] = [textAt(schedule, ['every']), textAt(schedule, ['cron'])];
  if (every !== undefined) return { gapMs: parseDuration(every) ?? 0, field: 'every', words: `every ${every}` };
  const times = cron === undefined ? undefined : readCron(cron);
  if (times === undefined || typeof times === 'string') return undefined;
  const gapMs = longestGapMs(times);
  return { gapMs, field: 'cron', words: `up to ${gapWords(gapMs)} apart` };
}

function gapWords(ms: number): string {
  if (ms > 2 * 366 * 86_400_000) return 'years';
  return ms >= 2 * 86_400_000 ? `${Math.ceil(ms / 86_400_000)} days` : `${Math.ceil(ms / 3_600_000)} hours`;
}

/** Where people who know crontab would expect more starts than there will be. */
function cronWarnings(spec: unknown, path: readonly string[]): Problem[] {
  const times = readCron(textAt(spec, [...path, 'cron']) ?? '');
  if (typeof times === 'string' || !times.bothDays) return [];
  return [
    {
      path: [...path, 'cron'],
      at: 'value',
      message: `${labelOf(path, spec)} starts only on days that fit both the day of month and the day of week; crontab would start on either`,
    },
  ];
}
