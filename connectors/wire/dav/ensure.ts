/** Collections of a target: found by name, or made with everything the source tells of them. */
import { createHash } from 'node:crypto';
import type { TargetContainer, Wanted } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { DavAccount } from './account.js';
import type { Collection } from './collections.js';
import { collectionsOf } from './collections.js';
import { HttpFault } from './faults.js';
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
  const key = await makeAtFreeAddress(account, name, wanted, signal);
  const look = async (): Promise<Collection | undefined> =>
    (await collectionsOf(account, signal, { states: false, path: key })).own[0];
  let made = await look();
  if (made && notKept(name, wanted, made).length > 0) {
    // SOGo makes it with 201, and drops what it was to be made with.
    await setProperties(account, key, settingsFor(account.flavour, name, wanted.properties), signal);
    made = await look();
  }
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

/** An address may be that of a collection of another sort, or become so while this one is made. */
async function makeAtFreeAddress(
  account: DavAccount,
  name: string,
  { properties }: Wanted,
  signal: AbortSignal,
): Promise<string> {
  const addresses = addressesFor(await account.home(signal), name);
  let { addresses: taken } = await account.inHome(signal);
  for (const key of addresses) {
    if (taken.has(key)) continue;
    try {
      await makeCollection(account, key, name, properties, signal);
      return key;
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      const now = await account.inHome(signal, true);
      if (!now.addresses.has(key) || now.own.some((one) => one.key === key)) throw error;
      taken = now.addresses;
    }
  }
  throw new Fault('refused', `the server has no free address for the collection ${name}`, {
    next: 'make it by hand under this name, then retry',
  });
}

/** The collection of that name, if there is one. Writes nothing. */
export async function find(
  account: DavAccount,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<TargetContainer | undefined> {
  const name = wanted.path.join('/');
  const addresses = new Set(addressesFor(await account.home(signal), name));
  // What the session remembers may be away, or not be all any more.
  for (const fresh of [false, true]) {
    const all = await account.collections(signal, fresh);
    // By name; else the one at the address that the name gets, which for most names holds a hash of it: the server calls it
    // otherwise. One that is the name itself may be a person's, unless it has none: its making was cut short.
    const one =
      all.find(({ path }) => path[0] === name) ??
      all.find(({ key, nameless }) => addresses.has(key) && (nameless || !isPlain(name)));
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
  const plain = plainSegment(name);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const base = plain === name ? plain : [plain, hash].filter(Boolean).join('-');
  return Array.from({ length: MAX_TWINS }, (_, n) => `${home}${segmentOf(n === 0 ? base : `${base}-${n + 1}`)}/`);
}

function plainSegment(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mn}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, MAX_SEGMENT);
}

/** Whether the name makes an address by itself, without a hash. */
function isPlain(name: string): boolean {
  return plainSegment(name) === name;
}
