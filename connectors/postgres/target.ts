/** A table as a target: every address book of the account goes into it. */
import type { Capability, Known, Located, Target, TargetContainer, TargetRef, WriteAnswer } from '../contract.js';
import { kinds } from '../kinds/kinds.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import type { Column } from './column-types.js';
import { columnOf } from './column-types.js';
import type { Database } from './database.js';
import { DOCUMENTED } from './documented.js';
import { settled } from './fence.js';
import { fitted } from './fit.js';
import type { Item } from './rows.js';
import { count, listed, rowsBy } from './rows.js';
import { containerOf, described, placeOf } from './source.js';
import type { Table } from './table.js';
import { ensureTable, findTable } from './table.js';
import { applyAll } from './write.js';

/** Batches of a dead session are awaited where it matters (`settled`); this is for conditional writes, which undo nothing. */
const QUIET_MS = 1_000;

export function createPostgresTarget(database: Database): Target<Buffer> {
  let table: Table | undefined;

  async function known(signal: AbortSignal): Promise<Table> {
    table ??= (await ensureTable(database, signal)).table;
    return table;
  }

  /** Everything but what is known, in pages bounded by bytes. */
  async function* pages(signal: AbortSignal, isKnown: Known): AsyncGenerator<TargetRef[]> {
    const at = await known(signal);
    for await (const rows of listed(database, at, undefined, signal)) {
      const keys = await unknownRefs(
        rows.map(({ key }) => key),
        isKnown,
      );
      for await (const { asked, found } of rowsBy(database, at, keys, signal)) {
        yield asked.flatMap((key) => {
          const item = found.get(key);
          return item ? [refOf(item)] : [];
        });
      }
    }
  }

  async function opened(at: Table, created: boolean, signal: AbortSignal): Promise<TargetContainer> {
    return { ...containerOf(at), created, items: await count(database, at, signal) };
  }

  return {
    quietMs: QUIET_MS,
    lanes: 1,
    moves: false,
    async place(signal) {
      // What the columns can hold decides what fits.
      table ??= await findTable(database, signal);
      return placeOf(database, signal);
    },
    async describe(signal) {
      const there = await findTable(database, signal);
      if (!there) return [missing(database)];
      const { unwritable } = there;
      const problem = unwritable && `${unwritable.problem}; ${unwritable.next}`;
      return described(there).map((one) => (problem && one.name === 'table' ? { ...one, problem } : one));
    },
    fit: (body) => fitted(body, table?.columns ?? asDeclared(database)),
    async ensure(_wanted, signal) {
      const ensured = await ensureTable(database, signal);
      table = ensured.table;
      return opened(table, ensured.created, signal);
    },
    async find(_wanted, signal) {
      const there = await findTable(database, signal);
      return there && opened(there, false, signal);
    },
    anchor: async () => '',
    async *write(_container, writes, signal): AsyncIterable<WriteAnswer> {
      if (writes.length > 0) yield* await applyAll(database, await known(signal), writes, signal);
    },
    async *locate(_container, intents, _anchor, isKnown, signal): AsyncIterable<Located> {
      await settled(database, await known(signal), signal);
      const wanted = new Set(intents.map(({ digest }) => digest));
      const free = new Map<string, { readonly ref: string; readonly version: string }[]>();
      for await (const page of pages(signal, isKnown)) {
        for (const { ref, version = '', digest } of page) {
          if (wanted.has(digest)) free.set(digest, [...(free.get(digest) ?? []), { ref, version }]);
        }
      }
      for (const { token, digest } of intents) {
        const found = free.get(digest)?.shift();
        if (found) yield { token, found: 'landed', meta: {}, ...found };
        else yield { token, found: 'absent' };
      }
    },
    async *scan(_container, isKnown, signal) {
      for await (const entries of pages(signal, isKnown)) yield { entries };
    },
    async *readBack(_container, refs, signal) {
      for await (const { asked, found } of rowsBy(database, await known(signal), refs, signal)) {
        for (const ref of asked) {
          const item = found.get(ref);
          if (item) yield refOf(item);
        }
      }
    },
    close: () => database.close(),
  };
}

function refOf({ key, version, body }: Item): TargetRef {
  return { ref: key, digest: kinds.contacts.digest(body), bytes: body.length, meta: {}, version, body };
}

function missing({ options: { table = 'contacts', columns, create = true } }: Database): Capability {
  if (create && !columns) return { name: 'table', value: `${table}, will be made` };
  return { name: 'table', value: `${table}, missing`, problem: 'make it, or correct table in the spec' };
}

/** As long as the table is not there: its columns as the spec names them. */
function asDeclared({ options }: Database): Column[] {
  return Object.entries(options.columns ?? DOCUMENTED).flatMap(([word, name]) => {
    const column = columnOf(word, name, 'text');
    return 'problem' in column ? [] : [column];
  });
}
