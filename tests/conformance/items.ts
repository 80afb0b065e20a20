/** What the suites for calendars and contacts share: plain items, odd ones, and a look at both roles. */
import type { Container, Kind, Source, Write } from '../../connectors/contract.js';
import type { KindRules } from '../../connectors/kinds/kinds.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import { all, never } from './collect.js';
import { card, oddCards } from './odd-cards.js';
import { event, oddEvents } from './odd-events.js';

export type ItemKind = Extract<Kind, 'calendar' | 'contacts'>;

interface Samples {
  /** Every number is an item of its own. */
  plain(n: number): Buffer;
  /** The same item, edited. */
  edited(n: number): Buffer;
  readonly odd: Readonly<Record<string, Buffer>>;
}

export const samples: Readonly<Record<ItemKind, Samples>> = {
  calendar: { plain: event, edited: (n) => withLine(event(n), 'COMMENT:edited', 'END:VEVENT'), odd: oddEvents },
  contacts: { plain: card, edited: (n) => withLine(card(n), 'NOTE:edited', 'END:VCARD'), odd: oddCards },
};

function withLine(body: Buffer, line: string, before: string): Buffer {
  return Buffer.from(body.toString().replace(before, `${line}\r\n${before}`));
}

export function rulesOf(kind: ItemKind): KindRules<Buffer> {
  return kinds[kind];
}

export function digestOf(kind: ItemKind, body: Buffer): string {
  return rulesOf(kind).digest(body);
}

/** What another program does to the account; items by their name in the system. */
export interface Others {
  readonly kind: ItemKind;
  /** Adds an item, and its container where there is none. Answers its name. */
  put(path: readonly string[], body: Buffer): Promise<string>;
  edit(path: readonly string[], name: string, body: Buffer): Promise<void>;
  drop(path: readonly string[], name: string): Promise<void>;
  /** What a container holds; empty when there is none. */
  stored(path: readonly string[]): Promise<readonly Buffer[]>;
  close(): Promise<void>;
}

export async function containerIn(source: Source<Buffer>, path: readonly string[]): Promise<Container> {
  const there = await all(source.containers(never));
  const found = there.find((one) => one.path.join('/') === path.join('/'));
  if (!found)
    throw new Error(`no container ${path.join('/')} among ${there.map((one) => one.path.join('/')).join(', ')}`);
  return found;
}

export function creating(kind: ItemKind, token: string, body: Buffer): Write<Buffer> & { op: 'create' } {
  return { op: 'create', token, body, bytes: body.length, meta: {}, digest: digestOf(kind, body) };
}

export function updating(
  kind: ItemKind,
  ref: string,
  version: string | undefined,
  body: Buffer,
): Write<Buffer> & { op: 'update' } {
  const digest = digestOf(kind, body);
  return { op: 'update', token: 'u', ref, ...(version && { version }), body, bytes: body.length, meta: {}, digest };
}
