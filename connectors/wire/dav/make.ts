/** Making collections: all at once where the server can, else bare, with one property after the other. */
import type { ContainerProperties } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { DavAccount } from './account.js';
import { drain } from './answer-body.js';
import type { HttpFault } from './faults.js';
import type { Setting } from './properties.js';
import { componentsFor, settingsFor } from './properties.js';
import type { Name } from './xml.js';
import { document } from './xml.js';

/**
 * MKCALENDAR for calendars (RFC 4791, 5.3.1), extended MKCOL for both (RFC 5689). A server that dislikes a property
 * refuses the whole: then the collection is made without, and each property is set by itself; what cannot be set shows
 * when the collection is looked at. Throws the `Fault` of a server that makes none at all.
 */
export async function makeCollection(
  account: DavAccount,
  key: string,
  name: string,
  properties: ContainerProperties | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { flavour } = account;
  const settings = settingsFor(flavour, name, properties);
  const components = componentsFor(flavour, properties);
  const all = components + settings.map(({ xml }) => xml).join('');
  const type = `<D:resourcetype><D:collection/><${flavour.type}/></D:resourcetype>`;
  const ways = [
    ...(flavour.scheme === 'caldav' ? [way('MKCALENDAR', 'C:mkcalendar', all)] : []),
    way('MKCOL', 'D:mkcol', type + all),
    ...(flavour.scheme === 'caldav' ? [way('MKCALENDAR', 'C:mkcalendar', components)] : []),
    way('MKCOL', 'D:mkcol', type),
  ];
  let refusal: Fault | undefined;
  for (const { method, body, inner } of ways) {
    const request = { method, path: key, headers: { 'content-type': 'application/xml; charset=utf-8' }, body };
    const answer = await account.http.ask(request, signal);
    // 207 tells which property failed: nothing was made (RFC 4791, 5.3.1).
    const made = answer.status >= 200 && answer.status < 300 && answer.status !== 207;
    if (made) {
      await drain(answer.body);
      if (!inner.endsWith(all)) await setProperties(account, key, settings, signal);
      return;
    }
    const fault = await account.http.fault(request, answer);
    if (!mayGoOtherwise(fault)) throw fault;
    refusal ??= fault;
    // Another session may have made it, or this request, though the server stumbled over a property then.
    if (await isThere(account, key, signal)) return setProperties(account, key, settings, signal);
  }
  throw refusal ?? new Fault('internal', 'no way to make a collection was tried');
}

function way(method: string, root: Name, inner: string): { method: string; body: string; inner: string } {
  return { method, inner, body: document(root, inner === '' ? '' : `<D:set><D:prop>${inner}</D:prop></D:set>`) };
}

/** 500 is what Xandikos says of a name with a percent sign, 501 what others say of a method they do not know. */
function mayGoOtherwise(fault: HttpFault): boolean {
  return ['refused', 'conflict', 'not-found'].includes(fault.code) || [207, 500, 501].includes(fault.status);
}

async function isThere(account: DavAccount, key: string, signal: AbortSignal): Promise<boolean> {
  return (await account.collections(signal, true)).some((one) => one.key === key);
}

/** All at once, else each by itself. What fails is not thrown: the caller compares what it finds with what it wanted. */
export async function setProperties(
  account: DavAccount,
  key: string,
  settings: readonly Setting[],
  signal: AbortSignal,
): Promise<void> {
  if (settings.length === 0) return;
  const xml = settings.map((one) => one.xml).join('');
  const body = document('D:propertyupdate', `<D:set><D:prop>${xml}</D:prop></D:set>`);
  const request = {
    method: 'PROPPATCH',
    path: key,
    headers: { 'content-type': 'application/xml; charset=utf-8' },
    body,
  };
  try {
    let failed = false;
    for await (const member of account.http.members(request, signal)) {
      if ('resource' in member && (member.resource.failed > 0 || (member.resource.status ?? 200) >= 400)) failed = true;
    }
    if (!failed) return;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Fault) || ['credentials', 'throttled', 'not-found'].includes(error.code)) throw error;
  }
  if (settings.length > 1) for (const one of settings) await setProperties(account, key, [one], signal);
}
