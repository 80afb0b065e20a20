/** What listings and feeds of changes have in common, whichever way their pages come. */
import type { ItemRef, Page } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { leaveOut } from '../../ledger/items.js';
import type { Sql } from '../../ledger/ledger.js';
import { voidSurveys } from '../../ledger/surveys.js';
import { canonicalJson } from '../../schemas/hash.js';
import { foldedPath } from '../select/names.js';
import type { Slice } from '../slice/slice.js';

/** The rules that decide which items are written down; a token stands only for what was listed under the same. */
export function filterOf({ selection, rules }: Pick<Slice, 'selection' | 'rules'>): string {
  const { folders: _in, roles: _for, ...include } = selection.include ?? {};
  const { folders: _out, roles: _but, ...exclude } = selection.exclude ?? {};
  if (rules.place === 'path') {
    const { include, exclude, map, names = 'fail' } = selection;
    // What is old enough today was not yesterday.
    const ages = [include, exclude].some((filter) => filter?.olderThan ?? filter?.newerThan);
    const day = ages ? { day: new Date().toISOString().slice(0, 10) } : {};
    return canonicalJson({ include, exclude, map, names, ...day });
  }
  if (!rules.adopts.includes('identity')) return canonicalJson({ include, exclude });
  const { match = ['uid'], withoutEmail = 'move' } = selection;
  return canonicalJson({ include, exclude, match, withoutEmail });
}

/** What the target would take for the same path, for kinds whose items stand under paths. */
export function folded({ rules, target, selection }: Slice, items: readonly ItemRef[]): (string | null)[] | undefined {
  if (rules.place !== 'path') return undefined;
  return items.map(({ key }) => foldedPath(target.names ?? {}, selection, key));
}

/** What a source named without describing it is asked for again: no token stands for that. Folders of a tree have no version. */
export function isUndescribed({ rules }: Slice, { version }: ItemRef): boolean {
  return version === '' && rules.place !== 'path';
}

/** What waits to be written and is not covered any more stays where it is. Other units may want it: they list anew. */
export async function leaveUncovered(
  sql: Sql,
  slice: Slice,
  container: number,
  keys: readonly string[],
): Promise<void> {
  if ((await leaveOut(sql, container, keys)) > 0) await voidSurveys(sql, container, slice);
}

/**
 * Hands each page to `write` while the source is asked for the next. `mayEnd` is asked behind each page that was written.
 * False: it ended there, before the last page. A source that refuses to go on has its page before that written, too.
 */
export async function writeBehind<T>(
  pages: AsyncIterable<Page<T>>,
  mayEnd: (written: Page<T>) => boolean,
  write: (page: Page<T>, last: boolean) => Promise<void>,
): Promise<boolean> {
  let page: Page<T> | undefined;
  let written: Promise<void> | undefined;
  let before: Page<T> | undefined;
  try {
    for await (const next of pages) {
      await written;
      if (before && mayEnd(before)) return false;
      if (page && (page.entries.length > 0 || page.cursor !== undefined)) {
        before = page;
        written = write(page, false);
        // It is waited for above or below, where its failure is thrown.
        written.catch(() => {});
      }
      page = next;
    }
  } catch (error) {
    await written;
    if (error instanceof Fault && error.code === 'refused' && page && page.entries.length > 0) await write(page, false);
    throw error;
  } finally {
    await written;
  }
  await write(page ?? { entries: [] }, true);
  return true;
}
