/** A system as people recognise it: by its name in the spec, and where it really is. */
import type { SpecRules, SystemConfig } from './spec.js';

/** `new (imap.new.example)`; without a host of its own `new (folder /srv/mail)`, or what it is. */
export function systemWords(name: string, { type, options }: SystemConfig): string {
  return `${name} (${whereIs(type, options)})`;
}

function whereIs(type: string, { host, url, path }: SystemConfig['options']): string {
  if (typeof host === 'string') return host;
  // Never more of it than that: a login may stand in an address.
  if (typeof url === 'string' && URL.canParse(url)) return new URL(url).host;
  return typeof path === 'string' ? `${type} ${path}` : type;
}

/** From which system an approval's deletions go, and whose account there: in the direction that the copies were made in. */
export function deletedFrom(
  spec: Pick<SpecRules, 'sources' | 'targets' | 'selections'>,
  item: { readonly selection: string; readonly from: string; readonly to: string; readonly back: boolean },
): { readonly system: string; readonly account: string } {
  const selection = spec.selections.find(({ name }) => name === item.selection);
  const name = (item.back ? selection?.from : selection?.to) ?? '';
  const config = (item.back ? spec.sources : spec.targets)[name];
  return { system: config ? systemWords(name, config) : name, account: item.back ? item.from : item.to };
}
