/** An account as a target. */
import type { Intent, Located, Target, TargetRef, WriteAnswer } from '../contract.js';
import type { DavAccount } from './account.js';
import { describeAccount } from './describe.js';
import { ensure, find } from './ensure.js';
import type { Content } from './items.js';
import { getItems, listSorted } from './items.js';
import type { Scheduling } from './scheduling.js';
import { quietly, schedulingOf } from './scheduling.js';
import { apply } from './write.js';

/** A request that a dead client sent may still be under way in the server. */
const QUIET_MS = 1_000;
/** Servers write to disk for each item: a few requests at once keep them at it. */
const LANES = 4;
const PAGE = 100;

export function createDavTarget(account: DavAccount): Target<Buffer> {
  const { flavour } = account;
  let scheduling: Scheduling | undefined;
  let types: readonly string[] = [];

  const refOf = ({ name, version, body }: Content): TargetRef => {
    const plain = quietly.undone(account, body);
    return { ref: name, digest: flavour.rules.digest(plain), bytes: plain.length, meta: {}, version, body: plain };
  };

  return {
    quietMs: QUIET_MS,
    lanes: LANES,
    async place(signal) {
      const place = await account.place(signal);
      scheduling ??= await schedulingOf(account, signal);
      if (types.length === 0) types = [...new Set((await account.collections(signal)).flatMap((one) => one.types))];
      return place;
    },
    describe: (signal) => describeAccount(account, 'target', signal),
    close: () => account.close(),
    fit: (body) => flavour.fit(body, types),
    ensure: (wanted, signal) => ensure(account, wanted, signal),
    find: (wanted, signal) => find(account, wanted, signal),
    // Nothing tells new items from old ones but their names.
    anchor: async () => '',
    async *write(container, writes, signal): AsyncIterable<WriteAnswer> {
      await account.home(signal);
      scheduling ??= await schedulingOf(account, signal);
      for (const write of writes) yield await apply({ account, container, scheduling }, write, signal);
    },
    async *locate(container, intents, _anchor, known, signal): AsyncIterable<Located> {
      await account.home(signal);
      const names = (await listSorted(account, container.key, signal)).flatMap(({ name }) =>
        known(name) ? [] : [name],
      );
      const free = new Map<string, TargetRef[]>();
      for await (const content of getItems(account, container.key, names, signal)) {
        const ref = refOf(content);
        free.set(ref.digest, [...(free.get(ref.digest) ?? []), ref]);
      }
      for (const intent of intents) yield locatedIn(free, intent);
    },
    async *scan(container, skip, signal) {
      await account.home(signal);
      const names = (await listSorted(account, container.key, signal)).flatMap(({ name }) =>
        skip(name) ? [] : [name],
      );
      for (let at = 0; at < names.length; at += PAGE) {
        const entries: TargetRef[] = [];
        for await (const content of getItems(account, container.key, names.slice(at, at + PAGE), signal)) {
          entries.push(refOf(content));
        }
        yield { entries };
      }
    },
    async *readBack(container, refs, signal) {
      await account.home(signal);
      for await (const content of getItems(account, container.key, refs, signal)) yield refOf(content);
    },
  };
}

function locatedIn(free: Map<string, TargetRef[]>, { token, digest }: Intent): Located {
  const found = free.get(digest)?.shift();
  if (!found) return { token, found: 'absent' };
  const { ref, meta, version } = found;
  return { token, found: 'landed', ref, meta, ...(version !== undefined && { version }) };
}
