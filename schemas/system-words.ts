/** A system as people recognise it: by its name in the spec, and where it really is. */
import type { JsonObject } from '../connectors/contract.js';
import type { SpecRules, SystemConfig } from './spec.js';

/** `old (imap.example.org)`: the name of a system in its spec, and where it is. */
export function systemWords(name: string, { options }: SystemConfig): string {
  const at = addressOf(options);
  return at === undefined ? name : `${name} (${at})`;
}

/** The host or the path, as its spec has it. */
function addressOf({ host, url, path }: JsonObject): string | undefined {
  if (typeof host === 'string') return host;
  if (typeof url === 'string') return /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/?#]+)/i.exec(url)?.[1] ?? url;
  return typeof path === 'string' ? path : undefined;
}

/** From which system the copy of an item is deleted, and whose account there: that which it was written to. */
export function deletedFrom(
  spec: Pick<SpecRules, 'sources' | 'targets' | 'selections'>,
  item: { readonly selection: string; readonly from: string; readonly to: string; readonly back: boolean },
): { readonly system: string; readonly account: string } {
  const selection = spec.selections.find(({ name }) => name === item.selection);
  const name = (item.back ? selection?.from : selection?.to) ?? '';
  const config = (item.back ? spec.sources : spec.targets)[name];
  return { system: config ? systemWords(name, config) : name, account: item.back ? item.from : item.to };
}
