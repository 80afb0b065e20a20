/** The page as text: well-formed whatever names are in it, in the order that it is read, and no longer than can be opened. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { fillHostileLedger } from './hostile-ledger.js';
import { writeReport } from './write-report.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterEach(() => server.clear());
afterAll(() => server.stop());

async function pageOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'drover-page-'));
  try {
    await writeReport(server.ledger, { migration: 'acme', folder });
    return await readFile(join(folder, 'report.html'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const VOID = new Set(['meta', 'br']);
/** Elements that stand in a paragraph; any other ends it in a browser, wherever its own end stands. */
const IN_PARAGRAPHS = new Set(['b', 'i', 'a', 'bdi', 'br', 'code', 'small', 'span']);

/** What is wrong with the page: read as strictly as XML is, elements without an end and attributes without a value aside. */
function faultsOf(html: string): string[] {
  const strict = html
    .replace(/^<!doctype html>\n/, '')
    .replace(/<(meta|br)([^>]*)>/g, '<$1$2/>')
    .replaceAll('<details open>', '<details open="">');
  const faults: string[] = [];
  const open: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => faults.push(error.message));
  parser.on('opentag', ({ name, attributes, isSelfClosing }) => {
    if (open.includes('p') && !IN_PARAGRAPHS.has(name)) faults.push(`<${name}> in a paragraph`);
    if (isSelfClosing && !VOID.has(name) && !open.includes('svg')) faults.push(`<${name}/>`);
    if (name === 'th' && attributes.scope === undefined) faults.push('a <th> without scope');
    if (name === 'svg' && !attributes['aria-label']) faults.push('a picture without words');
    open.push(name);
  });
  parser.on('closetag', () => open.pop());
  parser.write(strict).close();
  return faults;
}

it('is well-formed, in one language, and with headers of its tables, whatever names are in it', async () => {
  await fillHostileLedger(server.ledger);

  const html = await pageOf();

  expect(faultsOf(html)).toEqual([]);
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(html).not.toMatch(/undefined|NaN|\[object/);
});

it('begins with the answer, what to do and who is not done', async () => {
  await fillHostileLedger(server.ledger);

  const html = await pageOf();

  const titles = [...html.matchAll(/<h[12]>([^<]*)/g)].map(([, title]) => title);
  expect(titles.slice(0, 5)).toEqual([
    '34 of 40 items verified; 3 failed, 1 arrived but not proven, 2 not tried; 1 duplicate in the target; 24 of 25 accounts did not finish; 1 folder left out by the spec (77 items), 1,203 items left out by its filters.',
    'What to do next',
    'Deletions that wait for approval',
    'Accounts',
    'Not verified',
  ]);
});

it('names what would be deleted before the accounts, however long its names are', async () => {
  await fillHostileLedger(server.ledger);

  const html = await pageOf();

  expect(html).toContain('1 copy is deleted once somebody approves it');
  expect(html).toContain(`<code>${'d'.repeat(300)}</code>`);
});

it('tells a cause that many accounts share once, with ten of their names in sight', async () => {
  await fillHostileLedger(server.ledger);

  const html = await pageOf();

  const [, step = ''] = /<li>(<p><b>20 accounts wait for credentials.*?)<\/li>/s.exec(html) ?? [];
  expect(step).toContain('OLD_PASSWORD is not set');
  expect(step).toContain('<pre>migrate credentials acme</pre>');
  const [inSight = '', folded = ''] = step.split('<details>');
  expect(inSight.match(/person\d+@old/g)).toHaveLength(10);
  expect(folded.match(/person\d+@old/g)).toHaveLength(10);
  expect(html.match(/OLD_PASSWORD is not set/g)).toHaveLength(2); // and among the gates
});

it('can be opened with 15,000 accounts', async () => {
  await fillHostileLedger(server.ledger, { waiting: 10_000, done: 5_000 });

  const html = await pageOf();

  expect(html.length).toBeLessThan(3_000_000);
  expect(html).toContain('10,000 accounts wait for credentials');
});
