/** Specs of the DAV benchmark: the same source, into one kind of target or another. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './dav-account.js';
import type { DroverStack } from './drover.js';

export type Kind = 'calendar' | 'contacts';
export const bothKinds: readonly Kind[] = ['calendar', 'contacts'];

/** A system for each kind, as a spec says it. */
export type Systems = Readonly<Partial<Record<Kind, string>>>;

/** Moves every kind that `targets` names. */
export function specOf(name: string, source: Account, targets: Systems): string {
  const kinds = Object.keys(targets) as Kind[];
  const lines = (systems: Systems): string => kinds.map((kind) => `  ${kind}: ${systems[kind]}\n`).join('');
  const selections = kinds.map(
    (kind) =>
      `  - { name: ${kind}, kind: ${kind}, from: ${kind}, to: ${kind}, accounts: [{ from: source, to: target }] }\n`,
  );
  return `version: 1\nname: ${name}\nsources:\n${lines(dav(source))}targets:\n${lines(targets)}selections:\n${selections.join('')}`;
}

export function dav({ url, user }: Account): Systems {
  const system = (type: string): string =>
    `{ type: ${type}, url: "${url}", auth: { username: ${user}, password: { env: DROVER_BENCH_PASSWORD } } }`;
  return { calendar: system('caldav'), contacts: system('carddav') };
}

export function vdir(folder: string): Systems {
  const system = (kind: Kind): string => `{ type: vdir, path: "${join(folder, kind)}" }`;
  return { calendar: system('calendar'), contacts: system('contacts') };
}

/** Contacts into the very server that holds the ledger, in a table of their own. */
export async function postgres({ dev }: DroverStack, dir: string, table: string): Promise<Systems> {
  const url = new URL(dev.stack.ledgerUrl);
  const secret = join(dir, 'database-password');
  await writeFile(secret, decodeURIComponent(url.password), { mode: 0o600 });
  const auth = `{ username: ${decodeURIComponent(url.username)}, password: { file: "${secret}" } }`;
  const at = `host: "${url.hostname}", port: ${url.port}, database: ${url.pathname.slice(1)}`;
  return { contacts: `{ type: postgres, ${at}, tls: none, table: ${table}, auth: ${auth} }` };
}
