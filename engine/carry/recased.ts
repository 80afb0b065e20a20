/**
 * Files of which the source changed no more of the name than what the target does not tell apart: letter case, or
 * Unicode form. The old name stands in the way of the new one there, for it is the same; so the new item takes over the
 * old one's copy first, in the ledger, and the copy is renamed in its place afterwards. After a crash in between it is
 * looked for under the new name (recover.ts), under which such a target finds it in any case.
 */
import type { Write } from '../../connectors/contract.js';
import { nameOf } from '../../connectors/kinds/files.js';
import { containersToDo, coveredContainers } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { nextItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { takeOver } from '../../ledger/recased.js';
import type { Names } from '../select/names.js';
import { createNames, sameToTarget } from '../select/names.js';
import type { Slice } from '../slice/slice.js';
import { attempt, tokenOf } from '../write/attempt.js';
import type { Bound } from '../write/bind.js';
import { bindContainer } from '../write/bind.js';
import type { Result } from '../write/results.js';
import { settle } from '../write/results.js';
import { twinsIn } from './twins.js';

const PAGE = 500;

/** Returns false when the slice ended before the last page. */
export async function renameRecased(slice: Slice): Promise<boolean> {
  const { deps, lease, selection, target } = slice;
  const rules = target.names ?? {};
  for (const { id } of await coveredContainers(deps.ledger, slice))
    await fenced(deps.ledger, lease, (sql) => takeOver(sql, id));
  for (const row of await containersToDo(deps.ledger, slice)) {
    if (!row.todo.includes('move')) continue;
    const bound = await bindContainer(slice, target, row);
    let names: Names | undefined;
    for (;;) {
      const items = await nextItems(deps.ledger.pool, row.id, 'move', undefined, PAGE);
      if (items.length === 0) break;
      if (slice.ending()) return false;
      const all = items.length < PAGE ? items.map(({ key }) => key) : undefined;
      names ??= createNames(rules, selection, await twinsIn(deps.ledger.pool, rules, selection, row.id, all));
      await renamePage(slice, bound, names, items);
    }
  }
  return true;
}

async function renamePage(slice: Slice, bound: Bound, names: Names, items: readonly ItemRow[]): Promise<void> {
  const { signal, target } = slice;
  const placed = items.map((item) => ({ item, path: placeOf(slice, names, item) }));
  // What is there keeps its name where it has that already, or cannot have it.
  const staying = placed.filter(({ item, path }) => path === item.targetRef);
  const kept = staying.map(({ item }): Result => ({ key: item.key, todo: afterwards(item, null) }));
  await settle(slice, bound.id, kept);
  const renamed = placed.filter(({ item, path }) => path !== item.targetRef);
  if (renamed.length === 0) return;
  const byKey = new Map(items.map((item) => [item.key, item]));
  await attempt(slice, target, {
    op: 'move',
    bound,
    anchor: bound.target.anchor ?? (await target.anchor(bound.target, signal)),
    writes: renamed.map(({ item, path }) => moving(item, path, bound)),
    digests: new Map(renamed.map(({ item }) => [item.key, item.digest as string])),
    paths: new Map(renamed.map(({ item, path }) => [item.key, path])),
    // A rename that is in doubt is looked for, and says nothing against its file.
    uncounted: true,
    settle(answer) {
      const key = tokenOf(answer);
      const item = byKey.get(key) as ItemRow;
      // Edited or removed by a person, or not to be renamed: the copy stays what it is, as that of any other item would.
      if ('refused' in answer || 'conflicted' in answer || answer.ref === undefined)
        return { key, todo: afterwards(item, item.outcome === 'arrived' ? 'verify' : null) };
      const { ref, version } = answer;
      const todo = afterwards(item, 'verify');
      return { key, todo, outcome: 'arrived', ref, made: 'moved', ...(version !== undefined && { version }) };
    },
  });
}

/** In the folder where its copy stands, under its own name, as far as the target takes that for the one it has. */
function placeOf({ target }: Slice, names: Names, { key, targetRef }: ItemRow): string {
  const ref = targetRef as string;
  const named = names.of(key);
  if ('problem' in named) return ref;
  const path = ref.slice(0, ref.length - nameOf(ref).length) + nameOf(named.path);
  return sameToTarget(target.names ?? {}, path, ref) ? path : ref;
}

function moving({ key, targetRef, targetVersion }: ItemRow, path: string, { target }: Bound): Write<unknown> {
  const write = { op: 'move' as const, token: key, ref: targetRef as string, to: target, path };
  return targetVersion ? { ...write, version: targetVersion } : write;
}

/** Without a file id from the source, the content is compared. */
function afterwards({ proof }: ItemRow, known: 'verify' | null): Result['todo'] {
  return proof === null ? 'update' : known;
}
