/** items.csv as others read it: by another language's parser, against the ledger's own rows and against what stands in the target. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { put } from '../tests/engine/file-tree.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { createWorld } from '../tests/engine/world.js';
import { fillLedger } from './sample-ledger.js';
import { writeReport } from './write-report.js';

let server: LedgerServer;
let folder: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-items-'));
});
afterEach(async () => {
  await server.clear();
  await rm(folder, { recursive: true, force: true });
});

type Row = Record<string, string>;

/** Runs a script that has the exact rows of items.csv as `rows`, and prints JSON. Nothing of it is our own code. */
function python<T>(script: string, ...args: string[]): T {
  const read = `import csv, hashlib, json, os, sys, unicodedata
csv.field_size_limit(2 ** 30)
def exact(cell):
    rest = cell.lstrip("'")
    seen = rest
    while seen and (seen[0].isspace() or unicodedata.category(seen[0]) in ('Cc', 'Cf')): seen = seen[1:]
    active = seen[:1] in tuple('=+-@＝＋－＠') or rest[:1] in ('\\t', '\\r')
    return cell[1:] if cell[:1] == "'" and active and (seen or rest[:1] in ('\\t', '\\r')) else cell
with open(sys.argv[1], encoding='utf-8-sig', newline='') as file:
    rows = [{ column: exact(cell) for column, cell in row.items() } for row in csv.DictReader(file, strict=True)]
`;
  const csv = join(folder, 'report', 'items.csv');
  return JSON.parse(
    execFileSync('python3', ['-c', read + script, csv, ...args], { encoding: 'utf8', maxBuffer: 1e9 }),
  ) as T;
}

const readJson = async (name: string) => JSON.parse(await readFile(join(folder, 'report', name), 'utf8'));

/** Names that have broken readers and writers of CSV. */
const ODD = [
  '=HYPERLINK("http://x","y")',
  `'=1+1`,
  "'quoted'",
  '-2+3',
  '@SUM(A1)',
  '+49 30 1234',
  '\t=tab',
  '\rcarriage',
  'two\nlines',
  'two\r\nlines',
  '\n'.repeat(60),
  'a,b;c\td',
  'say "x"',
  '"',
  ' blanks ',
  '\u2028\u0085\u000b',
  '\u202egnp.exe',
  '👩‍👩‍👧',
  'e\u0301',
  '\ufeffmark',
  '12345678901234567890',
  '1e10',
  'TRUE',
  'null',
  'x'.repeat(40_000),
];

it('has each item that the spec covers once, with its exact name, size, digest and reference', async () => {
  await fillLedger(server.ledger, { folder: 'a "b", c/=d', refused: 1, reason: '=x;\n"y"' });
  const { pool } = server.ledger;
  await pool.query(
    `update item set key = odd, target_ref = odd, bytes = 100000000000000 - at from unnest($1::text[]) with ordinality t (odd, at)
     where container = (select min(id) from container) and key = lpad(at::text, 8, '0') and at <= 10`,
    [ODD],
  );
  await pool.query(
    `insert into item (container, key, version, meta, bytes, digest, target_ref, base, outcome, proof, run)
     select (select max(id) from container), odd, '1', '{}', at, sha256(at::text::bytea), 'copy of ' || at, '{}', 'verified', 'readback', 2
     from unnest($1::text[]) with ordinality t (odd, at) where at > 10`,
    [ODD],
  );
  // Of these the report has nothing to say: carried by the other direction, gone uncopied, in a folder that is not covered.
  await pool.query(
    `insert into item (container, key, version, meta, bytes, outcome, gone, run)
     select min(id), 'linked', '1', '{}'::jsonb, 1, 'linked', false, 2 from container union all
     select min(id), 'gone', '1', '{}', 1, 'verified', true, 2 from container`,
  );
  await pool.query(
    `with other as (insert into container (pairing, key, path, validity) select min(id), 'other', '{other}', '1' from pairing returning id)
     insert into item (container, key, version, meta, bytes, run) select id, 'k', '1', '{}', 1, 2 from other`,
  );

  await writeReport(server.ledger, { migration: 'acme', folder: join(folder, 'report') });

  const rows = python<Row[]>('json.dump(rows, sys.stdout)');
  const { rows: known } = await pool.query(
    `select u.n::text as unit, u.account_from, u.account_to, array_to_string(c.path, '/') as folder, i.key, i.bytes::text,
       coalesce(i.outcome, 'not tried') as outcome, coalesce(i.proof, '') as proof, coalesce(encode(i.digest, 'hex'), '') as digest,
       coalesce(i.target_ref, '') as target_ref, coalesce(i.reason, '') as reason
     from item i join container c on c.id = i.container join unit u on u.pairing = c.pairing
     where c.key <> 'other' and i.key not in ('linked', 'gone')`,
  );
  const columns = Object.keys(known[0]);
  const listed = (all: readonly Row[]) => all.map((row) => JSON.stringify(columns.map((column) => row[column]))).sort();
  expect(listed(rows)).toEqual(listed(known));
  const items = await readJson('items.json');
  const { totals } = await readJson('summary.json');
  expect([items.length, totals.items]).toEqual([rows.length, rows.length]);
  expect(totals.bytes).toBe(rows.reduce((sum, row) => sum + Number(row.bytes), 0));
  expect(items.map((item: { key: string }) => item.key)).toEqual(rows.map((row) => row.key));
  expect(items.map((item: { bytes: number }) => `${item.bytes}`)).toEqual(rows.map((row) => row.bytes));
});

it('names what stands in the target: every file by its path, length and SHA-256, and no other', async () => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await mkdir(from);
  const names = ODD.map((name) => name.replaceAll('/', '_').slice(0, 60)).filter((name) => name.trim() !== '');
  for (const name of names) await put(from, `deep/${name}`, `content of ${name}`);
  await mkdir(join(from, 'empty'));
  const world = createWorld(server.ledger, {
    selection: { kind: 'files', name: 'share' },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
  await world.run();

  await writeReport(server.ledger, { migration: world.spec.name, folder: join(folder, 'report') });
  await world.close();

  const compared = python<object>(
    `
root = sys.argv[2]
named, wrong, refused = set(), [], []
for row in rows:
    ref = row['target_ref']
    if ref == '': refused.append(row['key']); continue
    path = os.path.join(root, ref)
    named.add(ref)
    if ref.endswith('/'):
        if not os.path.isdir(path): wrong.append(ref)
        continue
    with open(path, 'rb') as file: content = file.read()
    if row['outcome'] != 'verified' or str(len(content)) != row['bytes'] or hashlib.sha256(content).hexdigest() != row['digest']: wrong.append(ref)
there = set()
for at, folders, files in os.walk(root):
    inside = os.path.relpath(at, root)
    if inside.startswith('.drover'): continue
    there |= {os.path.normpath(os.path.join(inside, name)) for name in files}
    there |= {os.path.normpath(os.path.join(inside, name)) + '/' for name in folders if not name.startswith('.drover')}
json.dump({ 'rows': len(rows), 'wrong': wrong, 'refused': sorted(refused), 'unnamed': sorted(there - named) }, sys.stdout)`,
    to,
  );

  // Controls in names are what the target refuses. With the names: the folder they are in, and the empty one.
  const refused = names.filter((name) => /\p{Cc}/u.test(name)).map((name) => `deep/${name}`);
  expect(compared).toEqual({ rows: names.length + 2, wrong: [], refused: refused.sort(), unnamed: [] });
});
