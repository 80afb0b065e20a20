/** Where words may lie about that must not: ledger, histories, logs, command lines, and all their spellings. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiledFile } from '../../worker/stack/compiled.js';
import type { Fleet } from './fleet.js';

/** Every form in which a word may lie about. Of base64, the parts that do not depend on what stands beside it. */
function formsOf(word: string): string[] {
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.from('\0'.repeat(shift) + word).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, Math.floor((word.length + shift) / 3) * 4);
  });
  const quoted = JSON.stringify(word).slice(1, -1);
  return [
    ...[word, quoted, JSON.stringify(quoted).slice(1, -1), encodeURIComponent(word), encodeURI(word)],
    ...[...shifted, ...shifted.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))],
    Buffer.from(word).toString('hex'),
  ];
}

/** Finds words, and the distinct part of each: a form that lost its odd signs is found too. */
export function searchFor(words: readonly string[]): (text: string) => string[] {
  const canaries = words.flatMap((word) => [...formsOf(word), ...formsOf(word.split(' ')[0] as string)]);
  return (text) => canaries.filter((canary) => text.includes(canary));
}

/** What people type, in a process of its own. */
export async function migrateOn(fleet: Fleet, ...argv: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    TEMPORAL_ADDRESS: fleet.stack.temporalAddress,
    TEMPORAL_CONFIG_FILE: '/dev/null',
    DROVER_LEDGER_URL: fleet.stack.ledgerUrl,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [compiledFile('cli/main.js'), ...argv], { env, cwd: fleet.dir }, (error, out, err) =>
      resolve(`$ migrate ${argv.join(' ')}\n${out}${err}exit code ${error?.code ?? 0}\n`),
    );
  });
}

/** The command lines of all processes on this machine, but for those that are not ours to see. */
export function commandLines(): string {
  const lines: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      lines.push(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '));
    } catch {
      // It has ended since.
    }
  }
  return lines.join('\n');
}

/** All strings in a value, and all bytes in it read as text. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([name, part]) => `${name}: ${textOf(part)}`)
    .join('\n');
}

export async function histories(fleet: Fleet): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of fleet.client.workflow.list()) {
    const handle = fleet.client.workflow.getHandle(workflowId, runId);
    texts.push(workflowId, textOf(await handle.fetchHistory()), textOf((await handle.describe()).raw));
  }
  return texts.join('\n');
}

export async function ledgerRows(fleet: Fleet): Promise<string> {
  const { pool } = fleet.ledger;
  const tables = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  const texts: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await pool.query<{ row: string }>(`select t::text as row from "${name}" t`);
    texts.push(name, ...rows.map(({ row }) => row));
  }
  return texts.join('\n');
}

export function filesBelow(folder: string, wanted: (path: string) => boolean): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : ''))
    .filter((path) => path !== '' && wanted(path))
    .map((path) => `${path}\n${readFileSync(path, 'utf8')}`)
    .join('\n');
}
