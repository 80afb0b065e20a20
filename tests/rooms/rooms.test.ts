/** Who may import whom. Biome cannot give the reason, and typescript-eslint does not run on TypeScript 7. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

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

const RULES: readonly Rule[] = [
  {
    of: 'connectors/',
    never: ['ledger/', 'activities/', 'workflows/', 'worker/', 'cli/', 'secrets/', 'report/'],
    packages: [/^@temporalio\//, /^pg$/],
    // It speaks to a database of the user's, never to the ledger.
    except: ['connectors/postgres/'],
    why: 'a connector must run without Temporal and without a ledger',
  },
  {
    of: 'ledger/',
    never: [
      'activities/',
      'worker/',
      'cli/',
      'report/',
      'secrets/',
      'connectors/imap/',
      'connectors/mbox/',
      'connectors/maildir/',
    ],
    typesOnly: ['workflows/', 'schemas/'],
    packages: [/^@temporalio\//],
    why: 'the ledger knows no connector and no Temporal',
  },
  {
    of: 'schemas/',
    never: ['ledger/', 'activities/', 'workflows/', 'worker/', 'cli/', 'secrets/', 'report/'],
    packages: [/^@temporalio\//, /^pg$/],
    why: 'what a spec may say depends on nothing that runs it',
  },
  {
    of: 'secrets/',
    never: ['ledger/', 'activities/', 'workflows/', 'worker/', 'cli/', 'schemas/', 'report/'],
    why: 'secrets are resolved for whoever asks, and know nobody',
  },
  {
    of: 'workflows/',
    typesOnly: ['activities/', 'connectors/', 'schemas/', 'ledger/'],
    never: ['worker/', 'cli/', 'report/', 'secrets/'],
    packages: [/^node:/, /^pg$/, /^@temporalio\/(activity|client|worker)$/],
    why: 'workflows are deterministic: only types come from elsewhere',
  },
  {
    of: 'activities/',
    never: ['worker/', 'cli/', 'report/'],
    typesOnly: ['workflows/'],
    except: ['activities/tick.ts'],
    why: 'activities are handed what they need',
  },
  {
    of: 'activities/',
    packages: [/^@temporalio\/activity$/],
    except: ['activities/create-activities.ts', 'activities/boundary.ts'],
    why: 'everything but the boundary runs without Temporal, and is tested so',
  },
  {
    of: 'report/',
    never: ['activities/', 'worker/', 'cli/'],
    packages: [/^@temporalio\//],
    why: 'the report reads the ledger only',
  },
  {
    of: 'cli/',
    never: ['activities/', 'connectors/imap/', 'connectors/mbox/', 'connectors/maildir/', 'connectors/memory/'],
    why: 'the command opens no connector: secrets live with the worker',
  },
];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
  for (const match of text.matchAll(pattern)) {
    const from = match[3] ?? match[4] ?? match[5];
    if (from === undefined) continue;
    const line = text.slice(0, (match.index ?? 0) + 1).split('\n').length;
    const path = from.startsWith('.') ? normalize(join(dirname(file), from)).replace(/\.js$/, '.ts') : from;
    found.push({ file, line, from: path, typeOnly: match[2] !== undefined });
  }
  return found;
}

const broken = (rule: Rule, one: Import): boolean => {
  const within = (places: readonly string[] | undefined): boolean =>
    places?.some((place) => one.from === place || (place.endsWith('/') && one.from.startsWith(place))) ?? false;
  if (!one.file.startsWith(rule.of) || rule.except?.some((part) => one.file.startsWith(part))) return false;
  if (within(rule.never)) return true;
  if (within(rule.typesOnly) && !one.typeOnly) return true;
  return rule.packages?.some((name) => name.test(one.from)) ?? false;
};

it('keeps every room to its own', () => {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], { encoding: 'utf8' })
    .split('\n')
    .filter(
      (file) => file !== '' && !file.endsWith('.test.ts') && !file.startsWith('tests/') && !file.startsWith('bench/'),
    );
  const imports = files.flatMap(importsOf);
  expect(imports.length).toBeGreaterThan(500);

  const breaches = RULES.flatMap((rule) =>
    imports
      .filter((one) => broken(rule, one))
      .map((one) => `${one.file}:${one.line}: imports ${one.from}: ${rule.why}`),
  );

  expect(breaches).toEqual([]);
});
