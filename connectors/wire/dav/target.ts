/** An account as a target. */
import type { Intent, Known, Located, Target, TargetContainer, TargetRef, WriteAnswer } from '../../contract.js';
import { unknownRefs } from '../../kinds/unknown-refs.js';
import type { DavAccount } from './account.js';
import { describeAccount } from './describe.js';
import { ensure, find } from './ensure.js';
import { fillCollection } from './fill.js';
import type { KnownServer } from './flavour.js';
import type { Content } from './items.js';
import { getItems, listSorted } from './items.js';
import type { Setting } from './properties.js';
import { allSettings } from './properties.js';
import type { Scheduling } from './scheduling.js';
import { schedulingOf, suppression } from './scheduling.js';
import { writeEach } from './write-each.js';

/** A request that a dead client sent may still be under way in the server. */
const QUIET_MS = 1_000;
/** Servers write to disk for each item: a few requests at once keep them at it. */
const LANES = 4;
const PAGE = 100;

export function createDavTarget(account: DavAccount): Target<Buffer> {
  const { flavour } = account;
  let scheduling: Scheduling | undefined;
  let server: KnownServer = { types: [], cutsAtCommas: false };
  /** What this session has made and not yet written to, with what it was made with. */
  const fresh = new Map<string, readonly Setting[]>();

  const refOf = ({ name, version, body }: Content): TargetRef => {
    const plain = suppression.undone(account, body);
    return { ref: name, digest: flavour.rules.digest(plain), bytes: plain.length, meta: {}, version, body: plain };
  };

  const unknownNames = async ({ key }: TargetContainer, known: Known, signal: AbortSignal): Promise<string[]> => {
    const there = await listSorted(account, key, signal);
    return unknownRefs(
      there.map(({ name }) => name),
      known,
    );
  };

  const learn = async (signal: AbortSignal): Promise<void> => {
    const seen = await account.collections(signal);
    const types = [...new Set(seen.flatMap((one) => one.types))];
    server = { types, cutsAtCommas: seen.some((one) => one.radicale) };
  };

  return {
    quietMs: QUIET_MS,
    lanes: LANES,
    async place(signal) {
      const place = await account.place(signal);
      scheduling ??= await schedulingOf(account, signal);
      await learn(signal);
      return place;
    },
    describe: (signal) => describeAccount(account, 'target', signal),
    close: () => account.close(),
    fit: (body) => flavour.fit(body, server),
    async ensure(wanted, signal) {
      const container = await ensure(account, wanted, signal);
      await learn(signal);
      const made = (await account.collections(signal)).find(({ key }) => key === container.key);
      if (container.created && made?.radicale) fresh.set(container.key, allSettings(flavour, wanted));
      return container;
    },
    find: (wanted, signal) => find(account, wanted, signal),
    // Nothing tells new items from old ones but their names.
    anchor: async () => '',
    async *write(container, writes, signal): AsyncIterable<WriteAnswer> {
      await account.home(signal);
      scheduling ??= await schedulingOf(account, signal);
      const writing = { account, container, scheduling };
      const settings = fresh.get(container.key);
      fresh.delete(container.key);
      const left = settings ? yield* fillCollection(writing, settings, writes, signal) : writes;
      yield* writeEach(writing, left, signal);
    },
    async *locate(container, intents, _anchor, known, signal): AsyncIterable<Located> {
      await account.home(signal);
      const names = await unknownNames(container, known, signal);
      const free = new Map<string, TargetRef[]>();
      for await (const content of getItems(account, container.key, names, signal)) {
        const ref = refOf(content);
        free.set(ref.digest, [...(free.get(ref.digest) ?? []), ref]);
      }
      for (const intent of intents) yield locatedIn(free, intent);
    },
    async *scan(container, known, signal) {
      await account.home(signal);
      const names = await unknownNames(container, known, signal);
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
