/** What `doctor` and `plan` show of an account. */
import type { Capability } from '../../contract.js';
import type { DavAccount } from './account.js';
import { drain } from './answer-body.js';
import { collectionsOf } from './collections.js';
import type { Conditional } from './conditions.js';
import { honoursConditions } from './conditions.js';
import { schedulingOf } from './scheduling.js';

export async function describeAccount(
  account: DavAccount,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<Capability[]> {
  const home = await account.home(signal);
  const { own: collections, shared } = await collectionsOf(account, signal);
  const answer = await account.http.ask({ method: 'OPTIONS', path: home }, signal);
  await drain(answer.body);
  const methods = (answer.headers.allow ?? '').toUpperCase();
  const classes = (answer.headers.dav ?? '').toLowerCase();
  const syncing = collections.filter((one) => one.syncs).length;
  const marked = collections.filter((one) => one.token?.startsWith('ctag:')).length;
  const versions = [...new Set(collections.flatMap((one) => one.types))].sort();
  const largest = collections.flatMap((one) => one.maxBytes ?? []);
  const schedules = await schedulingOf(account, signal);
  const capabilities: Capability[] = [
    { name: 'server', value: answer.headers.server ?? 'does not say' },
    { name: 'home', value: `${account.http.origin}${home}` },
    { name: 'collections', value: String(collections.length) },
    {
      name: 'changes',
      value: `sync-collection in ${syncing}, CTag in ${marked}, by listing in ${collections.length - syncing - marked}`,
    },
  ];
  if (shared.length > 0) {
    const taken = account.options.shared === 'move';
    const left = taken ? 'moved along, as `shared: move` says' : 'left out; `shared: move` takes them along';
    capabilities.push({ name: 'owned by others', value: `${shared.length}, ${left}` });
  }
  if (collections.length > 0) {
    const many = collections.filter((one) => one.multigets).length;
    capabilities.push({ name: 'many items at once', value: `multiget in ${many} of ${collections.length}` });
  }
  if (account.flavour.scheme === 'caldav') {
    capabilities.push({ name: 'MKCALENDAR', value: methods.includes('MKCALENDAR') ? 'offered' : 'not told' });
  }
  capabilities.push({ name: 'extended MKCOL', value: classes.includes('extended-mkcol') ? 'offered' : 'not told' });
  if (account.flavour.scheme === 'carddav' && versions.length > 0)
    capabilities.push({ name: 'vCard versions', value: versions.join(', ') });
  if (largest.length > 0) capabilities.push({ name: 'largest item', value: `${Math.min(...largest)} bytes` });
  if (role === 'target') {
    capabilities.push(...conditions(account));
    capabilities.push(...schedulingCapability(account, schedules));
  }
  return capabilities;
}

function conditions(account: DavAccount): Capability[] {
  const create = { true: 'honoured', false: 'ignored: names are looked up before items are created' };
  const change = { true: 'honoured', false: 'ignored: versions are looked up right before' };
  const said = (what: Conditional, words: typeof create, untried: string): string => {
    const honoured = honoursConditions(account, what);
    return honoured === undefined ? `tried with the first ${untried}` : words[`${honoured}`];
  };
  return [
    { name: 'If-None-Match', value: said('create', create, 'item that is written') },
    { name: 'If-Match of PUT', value: said('update', change, 'edit') },
    { name: 'If-Match of DELETE', value: said('remove', change, 'removal') },
  ];
}

function schedulingCapability(account: DavAccount, schedules: string): Capability[] {
  if (account.flavour.scheme !== 'caldav') return [];
  const value = {
    none: 'stores events and mails nobody',
    quiet: 'mails attendees, but not of what is written with SCHEDULE-AGENT=CLIENT, as this is',
    unknown: 'mails attendees, and cannot be told not to',
  }[schedules] as string;
  if (schedules !== 'unknown' || account.options.scheduling === 'allow') return [{ name: 'invitations', value }];
  return [
    {
      name: 'invitations',
      value,
      problem:
        'events with attendees are refused: turn scheduling off on the server, or let it mail them with `scheduling: allow`',
    },
  ];
}
