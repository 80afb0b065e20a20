/** A system as people recognise it: by its name in the spec, and where it really is. */
import type { SpecRules, SystemConfig } from './spec.js';

/** `old (imap.example.org)`: the name of a system in its spec, and where it is. */
export function systemWords(name: string, config: SystemConfig): string {
  const at = addressOf(config);
  return at === undefined ? name : `${name} (${at})`;
}

/** Its host or its path, as its spec has it. Never more of a URL than that: a login may stand in it. */
export function addressOf({ options: { host, url, path } }: SystemConfig): string | undefined {
  if (typeof host === 'string') return host;
  if (typeof url !== 'string') return typeof path === 'string' ? path : undefined;
  if (URL.canParse(url)) return new URL(url).host || undefined;
  // A domain alone, whose server DNS names.
  return /^[a-z0-9.-]+$/i.test(url) ? url : undefined;
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
