/**
 * A system that says it holds any number of items, and holds none: what it is asked for it makes on the spot. So what a run
 * costs the engine and the ledger shows, whether it is about ten items or ten million.
 */
import type {
  Body,
  Change,
  Connector,
  Container,
  ItemRef,
  Kind,
  Source,
  Target,
  TargetContainer,
  TargetRef,
  WriteAnswer,
} from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileBody } from '../../connectors/kinds/files.js';
import type { KindRules } from '../../connectors/kinds/kinds.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import { unknownRefs } from '../../connectors/kinds/unknown-refs.js';
import type { Registration } from '../../connectors/registry.js';

export type VastKind = Extract<Kind, 'mail' | 'contacts' | 'files'>;

/** How many containers each account has, and how many items each of them. */
export interface VastShape {
  readonly kind: VastKind;
  readonly accounts: number;
  readonly containers: number;
  readonly items: number;
}

export interface VastSystem {
  readonly connectors: Readonly<Record<string, Registration>>;
  readonly accounts: readonly { readonly from: string; readonly to: string }[];
  /** Until it is filled, it is empty on both sides. */
  fill(items: number): void;
  /** What the change feed of the first container tells next. */
  change(change: Change): void;
  /** How the first container's item with this number is listed in a version. */
  item(number: number, version: string): ItemRef;
  /** How often the target was asked to show all it holds, and how many references it asked the engine about then. */
  readonly shown: { scans: number; references: number };
}

const PAGE = 2_000;

/** Numbers as keys ascend like them. */
const digits = (number: number): string => String(number).padStart(10, '0');

export const keyOf = (kind: VastKind, number: number): string => {
  switch (kind) {
    case 'mail':
      return digits(number);
    case 'contacts':
      return `c${digits(number)}.vcf`;
    default:
      // Some that the target takes for another's, were there one.
      return `d${digits(Math.floor(number / 1000))}/${number % 10 === 0 ? 'F' : 'f'}${digits(number)}`;
  }
};

export function createVastSystem({ kind, accounts, containers }: Omit<VastShape, 'items'>): VastSystem {
  const rules: KindRules<unknown> = kinds[kind];
  const names = kind === 'files' ? ['/'] : Array.from({ length: containers }, (_, at) => `box-${digits(at)}`);
  const first = `a${digits(1)}`;
  const shown = { scans: 0, references: 0 };
  const changes: Change[] = [];
  const told = new Map<string, string>();
  let items = 0;
  let state = 1;

  const bodyOf = (key: string): unknown => {
    const version = told.get(key) ?? 'v1';
    if (kind === 'mail') return Buffer.from(`Message-ID: <${key}@vast>\r\n\r\n`);
    if (kind === 'contacts')
      return Buffer.from(
        `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${key}\r\nFN:${version}\r\nN:${version};;;;\r\nEND:VCARD\r\n`,
      );
    const bytes = version === 'v1' ? `file ${key}` : `file ${key} ${version}`;
    return { type: 'file', path: key, bytes: Buffer.from(bytes) } satisfies FileBody;
  };
  const metaOf = (version: string): TargetRef['meta'] => {
    if (kind === 'mail')
      return { flags: version === 'v1' ? ['\\Seen'] : ['\\Answered', '\\Seen'], date: '2020-01-01T00:00:00+00:00' };
    if (kind === 'contacts') return {};
    return { type: 'file', modified: `2020-01-01T00:00:0${version.length % 10}.000Z` };
  };
  const itemOf = (number: number, version: string): ItemRef => {
    const key = keyOf(kind, number);
    return { key, version, bytes: rules.size(bodyOf(key)), rank: 0, meta: metaOf(version) };
  };
  const copyOf = (ref: string): TargetRef => {
    const body = bodyOf(ref);
    return {
      ref,
      digest: rules.digest(body),
      bytes: rules.size(body),
      meta: metaOf(told.get(ref) ?? 'v1'),
      ...(kind !== 'mail' && { version: told.get(ref) ?? 'v1' }),
      ...(kind === 'contacts' && { body }),
    };
  };
  const session = (side: string, account: string) => ({
    place: async () => ({ proof: `vast://${side}/${account}`, system: `vast://${side}` }),
    describe: async () => [],
    close: () => {},
  });

  const source = (account: string): Source => ({
    ...session('old', account),
    async *containers(): AsyncIterable<Container> {
      for (const [at, key] of names.entries()) {
        const token = account === first && at === 0 ? String(state) : items > 0 ? 'settled' : 'empty';
        yield { key, path: kind === 'files' ? [] : [key], validity: '1', token };
      }
    },
    // biome-ignore lint/correctness/useYield: the first run finds nothing, and later ones ask for changes
    async *list() {
      if (items > 0) throw new Fault('internal', 'vast: a run that knows a token lists nothing');
    },
    async *changes() {
      yield { entries: changes.splice(0) };
    },
    async *read(_container, refs): AsyncIterable<Body<unknown>> {
      for (const { key } of refs) yield { key, body: bodyOf(key) };
    },
    // biome-ignore lint/correctness/useYield: large files are none of these
    async *open() {
      throw new Fault('internal', 'vast: there are no large files');
    },
  });

  const opened = (key: string): TargetContainer => ({
    key,
    path: kind === 'files' ? [] : [key],
    validity: '1',
    created: false,
    items,
    anchor: kind === 'mail' ? digits(items + 1) : '',
  });
  const target = (account: string): Target => ({
    ...session('new', account),
    quietMs: 0,
    lanes: 1,
    ...(kind === 'files' && { names: { caseless: true } }),
    ensure: async ({ path }) => opened(kind === 'files' ? '/' : (path[0] as string)),
    find: async ({ path }) => opened(kind === 'files' ? '/' : (path[0] as string)),
    standing: async () => ({ validity: '1', items }),
    anchor: async () => (kind === 'mail' ? digits(items + 1) : ''),
    async *write(_container, writes): AsyncIterable<WriteAnswer> {
      for (const write of writes) {
        const { token } = write;
        if (write.op === 'create') items++;
        if (write.op === 'remove') yield { token };
        else yield { token, ref: token, ...(kind !== 'mail' && { version: told.get(token) ?? 'v1' }) };
      }
    },
    // biome-ignore lint/correctness/useYield: nothing is ever in doubt
    async *locate() {
      throw new Fault('internal', 'vast: no write is in doubt');
    },
    async *scan(_container, known, _signal, since) {
      shown.scans++;
      const first = kind === 'mail' && since !== undefined ? Number(since) : 1;
      for (let from = first; from <= items; from += PAGE) {
        const refs = Array.from({ length: Math.min(PAGE, items + 1 - from) }, (_, at) => keyOf(kind, from + at));
        shown.references += refs.length;
        yield { entries: (await unknownRefs(refs, known)).map(copyOf) };
      }
    },
    async *readBack(_container, refs) {
      for (const ref of refs) yield copyOf(ref);
    },
    async *sizes(_container, refs) {
      for (const ref of refs) yield { ref, bytes: copyOf(ref).bytes };
    },
  });

  const connector: Connector = {
    source: (_options, { account }) => source(account),
    target: (_options, { account }) => target(account),
  };
  const manifest = {
    name: 'vast',
    summary: 'any number of items',
    kinds: [kind],
    roles: ['source', 'target'],
    listsAccounts: false,
    tellsAccountsApart: true,
    options: { type: 'object', additionalProperties: false, properties: {} },
  } as const;
  return {
    connectors: { vast: { manifest, load: async () => connector } },
    accounts: Array.from({ length: accounts }, (_, at) => ({ from: `a${digits(at + 1)}`, to: `a${digits(at + 1)}` })),
    fill(count) {
      items = count;
    },
    change(change) {
      changes.push(change);
      state++;
      if (change.change === 'upsert') told.set(change.item.key, change.item.version);
    },
    item: itemOf,
    shown,
  };
}
