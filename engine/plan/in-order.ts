/**
 * A plan goes through a listing by ranges of keys, as tables of files need it. One that comes in no order is first gathered
 * in a table of its own session, which ends with it: a plan writes nothing, and holds no listing in memory.
 */
import type { ItemRef, Page, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Gathered } from '../../ledger/gathered.js';
import { openGathered } from '../../ledger/gathered.js';
import type { Ledger } from '../../ledger/ledger.js';

/** The source, with a listing that ascends by key. */
export function inOrder(source: Source<unknown>, ledger: Ledger): Source<unknown> {
  if (source.listing !== 'unordered') return source;
  const list: Source['list'] = async function* (container, _after, signal, opens) {
    const gathered = await openGathered(ledger);
    try {
      const refused = await gather(source.list(container, undefined, signal, opens), gathered);
      for await (const entries of gathered.ascending()) yield { entries };
      if (refused) throw refused;
    } finally {
      await gathered.close();
    }
  };
  return new Proxy(source, {
    get(of, member) {
      if (member === 'list') return list;
      if (member === 'listing') return 'ordered';
      const value: unknown = Reflect.get(of, member);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

/** A refusal comes after the pages that could be given, here as there. */
async function gather(pages: AsyncIterable<Page<ItemRef>>, gathered: Gathered): Promise<Fault | undefined> {
  try {
    for await (const { entries } of pages) await gathered.add(entries);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    return error;
  }
}
