/** Who may import whom. Biome cannot give the reason, and typescript-eslint does not run on TypeScript 7. */
import { expect, it } from 'vitest';
import type { Import } from './imports.js';
import { importsOf, typescriptFiles } from './imports.js';

interface Rule {
  /** Files this is about: a room, or a file of one. */
  readonly of: string;
  /** Rooms or files it may never import, not even types. */
  readonly never?: readonly string[];
  /** Rooms or files it may import types from only. */
  readonly typesOnly?: readonly string[];
  readonly packages?: readonly RegExp[];
  readonly except?: readonly string[];
  readonly why: string;
}

const FILES = typescriptFiles();

const FOLDERS = [...new Set(FILES.flatMap((file) => /^connectors\/[^/]+\//.exec(file)?.[0] ?? []))];

/** Folders of connectors/ with a manifest: each speaks to one system. */
const SYSTEMS = FOLDERS.filter((folder) => FILES.includes(`${folder}manifest.ts`));

/** The other folders of connectors/: what several systems need. */
const SHARED = FOLDERS.filter((folder) => !SYSTEMS.includes(folder));

const RULES: readonly Rule[] = [
  {
    of: 'words/',
    never: ['engine/', 'activities/', 'cli/', 'ledger/', 'report/', 'secrets/', 'workflows/', 'worker/'],
    typesOnly: ['connectors/', 'schemas/'],
    packages: [/^[^./]*$/, /^@/],
    why: 'words are shared by all that runs, and depend on none of it',
  },
  {
    of: 'connectors/',
    never: ['ledger/', 'engine/', 'activities/', 'workflows/', 'worker/', 'cli/', 'secrets/', 'report/'],
    packages: [/^@temporalio\//, /^pg$/],
    // It speaks to a database of the user's, never to the ledger.
    except: ['connectors/postgres/'],
    why: 'a connector must run without Temporal and without a ledger',
  },
  {
    of: 'ledger/',
    never: ['engine/', 'activities/', 'workflows/', 'worker/', 'cli/', 'report/', 'secrets/', ...SYSTEMS],
    typesOnly: ['schemas/'],
    packages: [/^@temporalio\//],
    why: 'the ledger knows no connector and no Temporal',
  },
  {
    of: 'schemas/',
    never: ['ledger/', 'engine/', 'activities/', 'workflows/', 'worker/', 'cli/', 'secrets/', 'report/'],
    packages: [/^@temporalio\//, /^pg$/],
    why: 'what a spec may say depends on nothing that runs it',
  },
  {
    of: 'secrets/',
    never: ['ledger/', 'engine/', 'activities/', 'workflows/', 'worker/', 'cli/', 'schemas/', 'report/'],
    why: 'secrets are resolved for whoever asks, and know nobody',
  },
  {
    of: 'workflows/',
    typesOnly: ['engine/', 'activities/', 'connectors/', 'schemas/', 'ledger/'],
    never: ['worker/', 'cli/', 'report/', 'secrets/'],
    packages: [/^node:/, /^pg$/, /^@temporalio\/(activity|client|worker)$/],
    why: 'workflows are deterministic: only types come from elsewhere',
  },
  ...SYSTEMS.map((of) => ({
    of,
    never: [...SYSTEMS.filter((other) => other !== of), 'connectors/registry.ts'],
    why: 'a system can be read, changed and removed alone: what two have in common is in a folder without a manifest',
  })),
  ...SHARED.map((of) => ({
    of,
    never: [...SYSTEMS, 'connectors/registry.ts'],
    why: 'what several systems need knows none of them',
  })),
  {
    of: 'activities/',
    never: ['worker/', 'cli/', 'report/', ...FOLDERS],
    typesOnly: ['workflows/'],
    except: ['activities/tick.ts'],
    why: 'activities wrap the engine for Temporal, and are handed what they need',
  },
  {
    of: 'engine/',
    never: ['activities/', 'workflows/', 'worker/', 'cli/', 'report/', 'secrets/'],
    packages: [/^@temporalio\//],
    why: 'the engine runs without Temporal, and is tested so; it is handed what it needs',
  },
  {
    of: 'engine/',
    never: FOLDERS.filter((folder) => folder !== 'connectors/kinds/'),
    why: 'the engine speaks to every system by the contract, and of kinds by what they are',
  },
  {
    of: 'engine/decide/',
    never: ['connectors/registry.ts', 'secrets/', 'workflows/'],
    typesOnly: ['engine/', 'ledger/'],
    packages: [/^node:(?!crypto$|path$)/, /^pg$/, /^undici$/, /^@temporalio\//],
    why: 'deciding does no I/O: it is handed what it decides about, and its answer is carried out by others',
  },
  {
    of: 'report/',
    never: ['engine/', 'activities/', 'worker/', 'cli/'],
    packages: [/^@temporalio\//],
    why: 'the report reads the ledger only',
  },
  {
    of: 'cli/',
    never: ['engine/', 'activities/', ...SYSTEMS],
    why: 'the command opens no connector: secrets live with the worker',
  },
];

const broken = (rule: Rule, one: Import): boolean => {
  const within = (places: readonly string[] | undefined): boolean =>
    places?.some((place) => one.from === place || (place.endsWith('/') && one.from.startsWith(place))) ?? false;
  if (!one.file.startsWith(rule.of) || rule.except?.some((part) => one.file.startsWith(part))) return false;
  if (one.from.startsWith(rule.of)) return false;
  if (within(rule.never)) return true;
  if (within(rule.typesOnly) && !one.typeOnly) return true;
  return rule.packages?.some((name) => name.test(one.from)) ?? false;
};

it('keeps every room to its own', () => {
  const files = FILES.filter(
    (file) => !file.endsWith('.test.ts') && !file.startsWith('tests/') && !file.startsWith('bench/'),
  );
  const imports = files.flatMap(importsOf);
  expect(imports.length).toBeGreaterThan(500);
  expect(SYSTEMS.length).toBeGreaterThan(5);
  expect(SHARED.length).toBeGreaterThan(2);

  const breaches = RULES.flatMap((rule) =>
    imports
      .filter((one) => broken(rule, one))
      .map((one) => `${one.file}:${one.line}: imports ${one.from}: ${rule.why}`),
  );

  expect(breaches).toEqual([]);
});
