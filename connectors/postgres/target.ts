/** A table as a target: every address book of the account goes into it. */
import type { Fitted, Located, Target, TargetContainer, TargetRef, WriteAnswer } from '../contract.js';
import { kinds } from '../kinds.js';
import { convertCard } from '../vcard/convert.js';
import type { Database } from './database.js';
import type { Column } from './mapping.js';
import { fromRow, losses, toRow } from './mapping.js';
import type { Item } from './rows.js';
import { rowsBy, versions } from './rows.js';
import { containerOf, placeOf } from './source.js';
import type { Table } from './table.js';
import { ensureTable, findTable } from './table.js';
import { applyAll, checkText } from './write.js';

/** A commit that a dead client sent is done, or never will be, within moments. */
const QUIET_MS = 1_000;

export function createPostgresTarget(database: Database): Target<Buffer> {
  let table: Table | undefined;

  async function known(signal: AbortSignal): Promise<Table> {
    table ??= (await ensureTable(database, signal)).table;
    return table;
  }

  async function* pages(signal: AbortSignal, skip: (ref: string) => boolean): AsyncGenerator<TargetRef[]> {
    const at = await known(signal);
    for await (const rows of versions(database, at, undefined, signal)) {
      const keys = rows.flatMap(({ key }) => (skip(key) ? [] : [key]));
      const found = await rowsBy(database, at, keys, signal);
      yield keys.flatMap((key) => {
        const item = found.get(key);
        return item ? [refOf(item)] : [];
      });
    }
  }

  async function opened(at: Table, created: boolean, signal: AbortSignal): Promise<TargetContainer> {
    let items = 0;
    for await (const rows of versions(database, at, undefined, signal)) items += rows.length;
    return { ...containerOf(at), created, items };
  }

  return {
    quietMs: QUIET_MS,
    lanes: 1,
    async place(signal) {
      // What the columns can hold decides what fits.
      table ??= await findTable(database, signal);
      return placeOf(database, signal);
    },
    async describe(signal) {
      const there = await findTable(database, signal);
      const { table: named = 'contacts' } = database.options;
      return [{ name: 'table', value: there ? `${there.schema}.${there.name}` : `${named}, will be made` }];
    },
    fit: (body) => fitted(body, database, table),
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
      const free = new Map<string, TargetRef[]>();
      for await (const page of pages(signal, isKnown)) {
        for (const ref of page) free.set(ref.digest, [...(free.get(ref.digest) ?? []), ref]);
      }
      for (const { token, digest } of intents) {
        const found = free.get(digest)?.shift();
        if (!found) yield { token, found: 'absent' };
        else yield { token, found: 'landed', ref: found.ref, meta: {}, version: found.version as string };
      }
    },
    async *scan(_container, skip, signal) {
      for await (const entries of pages(signal, skip)) yield { entries };
    },
    async *readBack(_container, refs, signal) {
      const found = await rowsBy(database, await known(signal), refs, signal);
      for (const ref of refs) {
        const item = found.get(ref);
        if (item) yield refOf(item);
      }
    },
    close: () => database.close(),
  };
}

function refOf({ key, version, body }: Item): TargetRef {
  return { ref: key, digest: kinds.contacts.digest(body), bytes: body.length, meta: {}, version, body };
}

/** With a column for the whole card nothing is lost; else the card is what the columns hold. */
function fitted(body: Buffer, { options }: Database, table: Table | undefined): Fitted<Buffer> {
  checkText(body);
  const text = asUnicode(body);
  const { columns: mapped } = options;
  if (!mapped || 'vcard' in mapped) return text;
  const columns =
    table?.columns ?? Object.entries(mapped).map(([word, column]): Column => ({ word, column, type: 'text' }));
  const held = fromRow(toRow(text.body, columns), columns);
  const notes = [...(text.notes ?? []), ...losses(text.body, held)];
  return { body: held, ...(notes.length > 0 && { notes }) };
}

/** A card of version 2.1 may be in any character set; the database holds Unicode. */
function asUnicode(body: Buffer): Fitted<Buffer> {
  return Buffer.from(body.toString()).equals(body) ? { body } : convertCard(body, '3.0');
}
