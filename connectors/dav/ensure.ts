/** Collections of a target: found by name, or made with everything the source tells of them. */
import { createHash } from 'node:crypto';
import type { TargetContainer, Wanted } from '../contract.js';
import { Fault } from '../errors.js';
import type { DavAccount } from './account.js';
import { collectionsOf } from './collections.js';
import { segmentOf } from './hrefs.js';
import { listItems } from './items.js';
import { makeCollection, setProperties } from './make.js';
import { notKept, settingsFor } from './properties.js';

export async function ensure(account: DavAccount, wanted: Wanted, signal: AbortSignal): Promise<TargetContainer> {
  const name = wanted.path.join('/');
  const there = await find(account, wanted, signal);
  if (there) {
    const now = (await account.collections(signal)).find(({ key }) => key === there.key);
    if (now && now.path[0] !== name) {
      await setProperties(account, there.key, settingsFor(account.flavour, name, wanted.properties), signal);
      account.forgetCollections();
    }
    return there;
  }
  const home = await account.home(signal);
  const taken = new Set((await account.collections(signal)).map((one) => one.key));
  const key = addressesFor(home, name).find((one) => !taken.has(one)) as string;
  await makeCollection(account, key, name, wanted.properties, signal);
  const [made] = await collectionsOf(account, signal, { states: false, path: key });
  account.forgetCollections();
  if (!made) {
    throw new Fault('refused', `the server made the collection ${name}, but does not list it`, {
      next: 'make it by hand under this name, then retry',
    });
  }
  const notes = notKept(name, wanted, made);
  return {
    key,
    path: wanted.path,
    validity: made.validity,
    created: true,
    items: 0,
    ...(notes.length > 0 && { notes }),
  };
}

/** The collection of that name, if there is one. Writes nothing. */
export async function find(
  account: DavAccount,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<TargetContainer | undefined> {
  const name = wanted.path.join('/');
  const [address] = addressesFor(await account.home(signal), name);
  // What the session remembers may be away, or not be all any more.
  for (const fresh of [false, true]) {
    const all = await account.collections(signal, fresh);
    // By name; else the one at the address that the name gets, if it has none: its making was cut short, or the server
    // takes no such name.
    const one =
      all.find(({ path }) => path[0] === name) ?? all.find(({ key, nameless }) => nameless && key === address);
    const items = one && (await countItems(account, one.key, signal));
    if (one && items !== undefined) {
      return { key: one.key, path: wanted.path, validity: one.validity, created: false, items };
    }
  }
  return undefined;
}

/** Undefined where the collection is away. */
async function countItems(account: DavAccount, key: string, signal: AbortSignal): Promise<number | undefined> {
  let items = 0;
  try {
    for await (const _ of listItems(account, key, signal)) items++;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    throw error;
  }
  return items;
}

const MAX_SEGMENT = 60;
const MAX_TWINS = 1000;

/** Addresses for a collection, the best first: its name where that makes a plain segment, else a likeness and a hash of it. */
function addressesFor(home: string, name: string): string[] {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mn}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, MAX_SEGMENT);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const base = plain === name ? plain : [plain, hash].filter(Boolean).join('-');
  return Array.from({ length: MAX_TWINS }, (_, n) => `${home}${segmentOf(n === 0 ? base : `${base}-${n + 1}`)}/`);
}
