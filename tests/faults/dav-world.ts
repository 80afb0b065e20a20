/** A migration between two real DAV servers, each behind a proxy that a test can set against it. */
import { expect } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Selection, SystemConfig } from '../../schemas/spec.js';
import type { RunReason } from '../../words/runs.js';
import type { ItemKind } from '../conformance/items.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import type { DavAccountAt, DavAccountWorld } from '../servers/dav-account.js';
import { davAccount } from '../servers/dav-account.js';
import type { DavProxy } from '../servers/dav-proxy.js';
import { startDavProxy } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import { startRadicale } from '../servers/radicale.js';

export interface DavWorld {
  /** Of the migration. */
  readonly name: string;
  /** The accounts as other programs use them, past the proxies. */
  readonly from: DavAccountWorld;
  readonly to: DavAccountWorld;
  readonly toSource: DavProxy;
  readonly toTarget: DavProxy;
  /** Runs until it ends or waits for somebody; faults are tried again, as Temporal would. */
  run(selection?: Partial<Selection>, reason?: RunReason): Promise<Ran>;
  close(): Promise<void>;
}

export interface Ran {
  readonly result: ClosedRun | SliceResult;
  /** The codes of the faults on the way. */
  readonly faults: readonly string[];
}

export interface DavWorldOptions {
  readonly kind?: ItemKind;
  readonly selection?: Partial<Selection>;
  readonly batchItems?: number;
  /** More options of the target's connector. */
  readonly options?: JsonObject;
}

/** More faults than any test makes: then something is tried again for ever. */
const MAX_FAULTS = 12;

/** Two accounts of their own. */
export async function createDavWorld(
  ledger: Ledger,
  source: DavAccountAt,
  target: DavAccountAt,
  { kind = 'calendar', selection = {}, batchItems = 5, options = {} }: DavWorldOptions = {},
): Promise<DavWorld> {
  const [toSource, toTarget] = await Promise.all([startDavProxy(source), startDavProxy(target)]);
  const system = (proxy: DavProxy, more: JsonObject = {}): SystemConfig => ({
    type: kind === 'calendar' ? 'caldav' : 'carddav',
    options: { url: proxy.url, auth: { username: '{account}', password: { env: 'PASSWORD' } }, ...more },
  });
  const world = createWorld(ledger, {
    systems: { old: system(toSource), new: system(toTarget, options) },
    selection: { kind, accounts: [{ from: source.user, to: target.user }], ...selection },
    settings: { batchItems },
  });
  return {
    name: world.spec.name,
    from: davAccount(source, kind),
    to: davAccount(target, kind),
    toSource,
    toTarget,
    run: (asked = {}, reason = 'apply') => persistently(world, asked, reason),
    async close() {
      await world.close();
      await Promise.all([toSource.stop(), toTarget.stop()]);
    },
  };
}

async function persistently(world: World, selection: Partial<Selection>, reason: RunReason): Promise<Ran> {
  const faults: string[] = [];
  for (;;) {
    try {
      return { result: await world.run({ selection, reason }), faults };
    } catch (error) {
      const again = error instanceof Fault && ['unavailable', 'throttled', 'source-changed'].includes(error.code);
      if (!again || faults.length === MAX_FAULTS) throw error;
      faults.push(error.code);
    }
  }
}

/** A ledger, and a Radicale with many accounts that nobody has used. */
export interface DavStage {
  readonly ledger: LedgerServer;
  readonly radicale: DavServer;
  /** The next account. */
  account(): DavAccountAt;
  /** A migration between the next two. */
  between(options?: DavWorldOptions): Promise<DavWorld>;
  stop(): Promise<void>;
}

export async function startDavStage(accounts: number): Promise<DavStage> {
  const users = Array.from({ length: accounts }, (_, n) => `user${n}`);
  const [ledger, radicale] = await Promise.all([startLedger(), startRadicale({ users })]);
  const account = (): DavAccountAt => {
    const user = users.shift();
    if (user === undefined) throw new Error('the stage has no account left: start it with more');
    return { url: radicale.url, home: `/${user}/`, user };
  };
  return {
    ledger,
    radicale,
    account,
    between: (options) => createDavWorld(ledger.ledger, account(), account(), options),
    async stop() {
      await Promise.all([ledger.stop(), radicale.stop()]);
    },
  };
}

/** The run ended, everything in it is proven, and there is nothing twice. */
export function expectDone({ result }: Ran, totals: object = {}): void {
  expect(result).toMatchObject({ state: 'done', totals: { failures: 0, duplicates: 0, pending: 0, ...totals } });
}

/** A further run finds nothing to do, and writes nothing. */
export async function expectQuiet(world: DavWorld, selection?: Partial<Selection>): Promise<void> {
  for (const proxy of [world.toSource, world.toTarget]) proxy.clear();
  expectDone(await world.run(selection), { changed: 0 });
  expect(writesOf(world.toTarget)).toEqual([]);
  expect(writesOf(world.toSource)).toEqual([]);
}

/** Both sides hold the same items, as other programs see them. */
export async function expectSame({ from, to }: DavWorld, ...paths: readonly (readonly string[])[]): Promise<void> {
  for (const path of paths) expect(await digestsIn(to, path), path.join()).toEqual(await digestsIn(from, path));
}

/** What a collection holds, as digests, sorted. */
export async function digestsIn({ kind, stored }: DavAccountWorld, path: readonly string[]): Promise<string[]> {
  return (await stored(path)).map((body) => kinds[kind].digest(body)).sort();
}

/** Methods that change something. */
export const CHANGING: readonly string[] = [
  'PUT',
  'DELETE',
  'MOVE',
  'COPY',
  'MKCOL',
  'MKCALENDAR',
  'PROPPATCH',
  'POST',
];

/** Requests so far that change something, in their order. */
export function writesOf(proxy: DavProxy): string[] {
  return proxy.asked.filter(({ method }) => CHANGING.includes(method)).map(({ method, path }) => `${method} ${path}`);
}
