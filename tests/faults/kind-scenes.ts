/** One account of each kind between two real servers, for sweeps that do the same to all kinds. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { JsonObject } from '../../connectors/contract.js';
import { digestCalendar } from '../../connectors/kinds/calendar.js';
import { digestContact } from '../../connectors/kinds/contacts.js';
import type { Limits, Spec } from '../../schemas/spec.js';
import { card } from '../conformance/odd-cards.js';
import { event } from '../conformance/odd-events.js';
import { giveAll, startApache } from '../servers/apache.js';
import { startDovecot } from '../servers/dovecot.js';
import { startRadicale } from '../servers/radicale.js';
import { fillRadicale, readRadicale } from '../servers/radicale-files.js';
import { contentsOf as treeOf } from './file-world.js';
import {
  contentsOf,
  difference,
  fillMaildir,
  imapSystem,
  mailSpec,
  PASSWORD_VARIABLE,
  smallMailbox,
} from './mailboxes.js';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface KindScene {
  /** Everything the source holds, as a run counts it. */
  readonly items: number;
  /** The target server itself, for a line that is put before it. */
  readonly target: Endpoint;
  /** `through` stands before the target; `limits` are the target's. */
  spec(name: string, limits: Limits, through?: Endpoint): Spec;
  /** Compares what both servers hold, without asking the engine: nothing lost, doubled or altered. */
  expectSame(): Promise<void>;
  stop(): Promise<void>;
}

export interface SceneOptions {
  readonly seed: number;
  /** How many items, about. */
  readonly items: number;
  /** Bytes of each item, about; for kinds whose samples have no size of their own. */
  readonly bytes?: number;
  /** Bytes of one item in a hundred, about. */
  readonly largest?: number;
}

export const KINDS = ['mail', 'contacts and calendars', 'files'] as const;
export type SceneKind = (typeof KINDS)[number];

/** What workers need to know to run the specs of all scenes. */
export const SCENE_ENV: Record<string, string> = { [PASSWORD_VARIABLE]: 'secret', DAV_PASSWORD: 'secret' };

export function startScene(kind: SceneKind, options: SceneOptions): Promise<KindScene> {
  if (kind === 'mail') return mailScene(options);
  return kind === 'files' ? filesScene(options) : davScene(options);
}

const HERE = '127.0.0.1';
const ACCOUNTS = [{ from: 'anna', to: 'anna' }];

async function mailScene({ seed, items }: SceneOptions): Promise<KindScene> {
  const users = { anna: 'secret' };
  const [source, target] = await Promise.all([startDovecot({ users }), startDovecot({ users })]);
  fillMaildir(source, 'anna', smallMailbox(seed, items));
  return {
    items,
    target,
    spec: (name, limits, through = target) =>
      mailSpec(name, imapSystem(source), imapSystem(through, { limits }), [['anna', 'anna']]),
    async expectSame() {
      const [before, after] = [await contentsOf(source, 'anna'), await contentsOf(target, 'anna')];
      expect(difference(before, after)).toEqual({ lost: [], extra: [] });
      expect(after).toHaveLength(items);
    },
    stop: async () => void (await Promise.all([source.stop(), target.stop()])),
  };
}

/** A note of so many bytes, as lines that are folded already. */
function padding(property: string, bytes: number): string {
  return bytes > 0 ? `${property}:${'x'.repeat(60)}${`\r\n ${'x'.repeat(70)}`.repeat(Math.ceil(bytes / 73))}\r\n` : '';
}

async function davScene({ items, bytes = 0, largest = bytes }: SceneOptions): Promise<KindScene> {
  const users = ['anna'];
  const [source, target] = await Promise.all([startRadicale({ users }), startRadicale({ users })]);
  const [events, contacts] = [Math.ceil(items / 2), Math.floor(items / 2)];
  const longer = (body: Buffer, n: number, property: string, end: string): Buffer =>
    Buffer.from(body.toString().replace(end, `${padding(property, n % 100 === 20 ? largest : bytes)}${end}`));
  const numbered = (count: number, ending: string, make: (n: number) => Buffer): (readonly [string, Buffer])[] =>
    Array.from({ length: count }, (_, n) => [`${n}.${ending}`, make(n)] as const);
  fillRadicale(
    source,
    'anna',
    'Work',
    'VCALENDAR',
    numbered(events, 'ics', (n) => longer(event(n), n, 'COMMENT', 'END:VEVENT')),
  );
  fillRadicale(
    source,
    'anna',
    'Friends',
    'VADDRESSBOOK',
    numbered(contacts, 'vcf', (n) => longer(card(n), n, 'NOTE', 'END:VCARD')),
  );
  const options = (url: string): JsonObject => ({
    url,
    auth: { username: '{account}', password: { env: 'DAV_PASSWORD' } },
  });
  return {
    items: events + contacts,
    target: { host: HERE, port: target.port },
    spec: (name, limits, through) => ({
      version: 1,
      name,
      sources: {
        'old-calendars': { type: 'caldav', options: options(source.url) },
        'old-contacts': { type: 'carddav', options: options(source.url) },
      },
      targets: {
        'new-calendars': { type: 'caldav', options: options(urlOf(target, through)), limits },
        'new-contacts': { type: 'carddav', options: options(urlOf(target, through)), limits },
      },
      selections: [
        { name: 'calendar', kind: 'calendar', from: 'old-calendars', to: 'new-calendars', accounts: ACCOUNTS },
        { name: 'contacts', kind: 'contacts', from: 'old-contacts', to: 'new-contacts', accounts: ACCOUNTS },
      ],
    }),
    async expectSame() {
      for (const [tag, digest] of [
        ['VCALENDAR', digestCalendar],
        ['VADDRESSBOOK', digestContact],
      ] as const) {
        const [before, after] = [source, target].map((server) =>
          [...readRadicale(server, 'anna', tag)].flatMap(([name, bodies]) =>
            bodies.map((body) => `${name} ${digest(body)}`),
          ),
        ) as [string[], string[]];
        expect(difference(before, after)).toEqual({ lost: [], extra: [] });
        expect(after).toHaveLength(tag === 'VCALENDAR' ? events : contacts);
      }
    },
    stop: async () => void (await Promise.all([source.stop(), target.stop()])),
  };
}

/** Small files in folders, and one that goes as a large one. */
const LARGE = 3 * 1024 * 1024 + 5;
const FOLDERS = 10;

async function filesScene({ items, bytes = 500 }: SceneOptions): Promise<KindScene> {
  const users = ['anna'];
  const [source, target] = await Promise.all([startApache({ users }), startApache({ users })]);
  const [from, to] = [source, target].map(({ folder }) => join(folder, 'anna')) as [string, string];
  for (let n = 0; n < FOLDERS; n++) await mkdir(join(from, `folder ${n}`));
  for (let n = 0; n < items; n++)
    await writeFile(join(from, `folder ${n % FOLDERS}`, `file ${n}.bin`), randomBytes(bytes));
  await writeFile(join(from, 'large.bin'), randomBytes(LARGE));
  await giveAll(from);
  const options = (url: string): JsonObject => ({
    url: `${url}/{account}/`,
    auth: { username: '{account}', password: { env: 'DAV_PASSWORD' } },
  });
  return {
    items: items + FOLDERS + 1,
    target: { host: HERE, port: target.port },
    spec: (name, limits, through) => ({
      version: 1,
      name,
      sources: { old: { type: 'webdav', options: options(source.url) } },
      targets: { new: { type: 'webdav', options: options(urlOf(target, through)), limits } },
      selections: [{ name: 'files', kind: 'files', from: 'old', to: 'new', accounts: ACCOUNTS }],
    }),
    async expectSame() {
      const there = Object.entries(await treeOf(to)).filter(([path, content]) => !isTrial(path, content));
      expect(Object.fromEntries(there)).toEqual(await treeOf(from));
    },
    stop: async () => void (await Promise.all([source.stop(), target.stop()])),
  };
}

/** What stays of a process that dies while it tries what the server can: some bytes, never listed (connectors/webdav/README.md). */
const isTrial = (path: string, content: string): boolean => /^\.drover-[^/]+\.part$/.test(path) && content.length <= 6;

function urlOf({ url }: { readonly url: string }, through: Endpoint | undefined): string {
  return through ? `http://${through.host}:${through.port}` : url;
}
