/**
 * Files of which the source changed no more of the name than what the target does not tell apart: letter case, or
 * Unicode form. The old name stands in the way of the new one there, for it is the same; so the new item takes over the
 * old one's copy first, in the ledger, and the copy is renamed in its place afterwards. After a crash in between it is
 * looked for under the new name (recover.ts), under which such a target finds it in any case.
 */
import type { Write } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { nameOf } from '../../connectors/files.js';
import { excuseBatch, openBatch, settleBatch } from '../../ledger/batches.js';
import { containersToDo, coveredContainers } from '../../ledger/containers.js';
import type { ItemRow, Settlement } from '../../ledger/items.js';
import { nextItems, settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { takeOver } from '../../ledger/recased.js';
import type { Bound } from '../bind.js';
import { bindContainer } from '../bind.js';
import type { Slice } from '../slice.js';
import type { Names } from './names.js';
import { createNames, sameToTarget } from './names.js';
import { twinsIn } from './twins.js';

const PAGE = 500;

/** False: the slice ended before the last. */
export async function renameRecased(slice: Slice): Promise<boolean> {
  const { deps, lease, selection, target } = slice;
  const rules = target.names ?? {};
  for (const { id } of await coveredContainers(deps.ledger, slice))
    await fenced(deps.ledger, lease, (sql) => takeOver(sql, id));
  for (const row of await containersToDo(deps.ledger, slice)) {
    if (!row.todo.includes('move')) continue;
    const bound = await bindContainer(slice, target, row);
    const names = createNames(rules, selection, await twinsIn(deps.ledger.pool, rules, selection, row.id));
    for (;;) {
      const items = await nextItems(deps.ledger.pool, row.id, 'move', undefined, PAGE);
      if (items.length === 0) break;
      if (slice.ending()) return false;
      await renamePage(slice, bound, names, items);
    }
  }
  return true;
}

async function renamePage(slice: Slice, bound: Bound, names: Names, items: readonly ItemRow[]): Promise<void> {
  const { deps, lease, signal, target } = slice;
  const placed = items.map((item) => ({ item, path: placeOf(slice, names, item) }));
  // What is there keeps its name where it has that already, or cannot have it.
  const staying = placed.filter(({ item, path }) => path === item.targetRef);
  const kept = staying.map(({ item }): Settlement => ({ key: item.key, todo: afterwards(item, null) }));
  await fenced(deps.ledger, lease, (sql) => settleItems(sql, bound.id, kept, slice.run));
  const renamed = placed.filter(({ item, path }) => path !== item.targetRef);
  if (renamed.length === 0) return;
  const intent = {
    container: bound.id,
    op: 'move' as const,
    anchor: bound.target.anchor ?? (await target.anchor(bound.target, signal)),
    keys: renamed.map(({ item }) => item.key),
    digests: renamed.map(({ item }) => item.digest as string),
    paths: renamed.map(({ path }) => path),
  };
  // A rename that is in doubt is looked for, and says nothing against its file.
  const batch = { ...intent, blameless: true, id: await openBatch(deps.ledger, lease, intent) };
  await excuseBatch(deps.ledger, batch.id);
  const byKey = new Map(items.map((item) => [item.key, item]));
  const settled: Settlement[] = [];
  const commit = async (): Promise<void> => {
    await settleBatch(deps.ledger, lease, batch, settled, slice.run);
    slice.tally.items += settled.length;
  };
  try {
    slice.assertHeld();
    const writes = renamed.map(({ item, path }) => moving(item, path, bound));
    for await (const answer of target.write(bound.target, writes, signal)) {
      const key = 'refused' in answer ? answer.refused : 'conflicted' in answer ? answer.conflicted : answer.token;
      const item = byKey.get(key) as ItemRow;
      // Edited or removed by a person, or not to be renamed: the copy stays what it is, as that of any other item would.
      if ('refused' in answer || 'conflicted' in answer || answer.ref === undefined)
        settled.push({ key, todo: afterwards(item, null) });
      else {
        const { ref, version } = answer;
        const now = { ref, ...(version !== undefined && { version }) };
        settled.push({ key, todo: afterwards(item, 'verify'), outcome: 'arrived', ...now });
      }
    }
  } catch (error) {
    await commit();
    if (error instanceof Fault) error.side ??= 'target';
    throw error;
  }
  await commit();
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

/** Where the source does not say that it is the same file, its content tells. */
function afterwards({ proof }: ItemRow, known: 'verify' | null): Settlement['todo'] {
  return proof === null ? 'update' : known;
}
