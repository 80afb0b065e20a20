/** What the five views say of a migration's items: each in its own words, which are the same words. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { expect } from 'vitest';
import { countWords } from '../../words/count-words.js';
import type { Counters } from '../../words/counters.js';
import { makeMigrationId } from '../../workflows/messages.js';
import type { Terminal } from './terminal.js';
import { migrate, start } from './terminal.js';

export interface FiveCounts {
  readonly status: string;
  readonly watch: string;
  readonly webUi: string;
  /** The first sentence of the report, and its numbers added up. */
  readonly report: string;
  readonly summary: string;
}

/** Throws where two of them differ. Returns the sentence, and how many items are said to be in the target. */
export async function sameCounts(
  terminal: Terminal,
  client: Client,
  name: string,
): Promise<{ readonly words: string; readonly copies: number }> {
  const { report, summary, copies } = await reported(terminal, name);
  const said: FiveCounts = {
    status: await statusOf(terminal, name),
    watch: await watched(terminal, name),
    webUi: await detailsOf(client, name, summary),
    report: report.replace(/^so far /, '').startsWith(summary) ? summary : report,
    summary,
  };
  expect(said).toEqual({ status: summary, watch: summary, webUi: summary, report: summary, summary });
  return { words: summary, copies };
}

/** `acme: run 3 is done: all 5 items verified (160 bytes); …`, `items: all 5 items verified`. */
const counted = (text: string): string =>
  /^items(?: so far)?: (.*)$/m.exec(text)?.[1] ?? /^\S+: run \d+ [^:]*: (.*?) \([\d.,]+ \w+\)/m.exec(text)?.[1] ?? text;

async function statusOf(terminal: Terminal, name: string): Promise<string> {
  return counted((await migrate(terminal, 'status', name)).out);
}

/** The first that is seen; of a migration that has ended, how it ended. */
async function watched(terminal: Terminal, name: string): Promise<string> {
  const run = start(terminal, 'watch', name);
  await expect.poll(() => run.out.length, { timeout: 20_000 }).toBeGreaterThan(0);
  run.interrupt();
  await run.ended;
  const [line = ''] = run.out;
  const { totals, result } = JSON.parse(line) as { totals?: Counters; result?: { totals: Counters } };
  return countWords((totals ?? result?.totals) as Counters);
}

async function detailsOf(client: Client, name: string, wanted: string): Promise<string> {
  const handle = client.workflow.getHandle(makeMigrationId(name));
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return /^Items(?: so far)?: (.*)$/m.exec(currentDetails)?.[1] === wanted ? wanted : currentDetails;
}

interface Summary {
  readonly headline: string;
  readonly totals: {
    readonly items: number;
    readonly bytes: number;
    readonly duplicates: number;
    readonly outcomes: Readonly<Record<string, number>>;
  };
}

async function reported(
  terminal: Terminal,
  name: string,
): Promise<{ report: string; summary: string; copies: number }> {
  const folder = join(terminal.cwd, `report-${name}`);
  await migrate(terminal, 'report', name, '--out', folder);
  const { headline, totals } = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')) as Summary;
  const { verified = 0, arrived = 0, pending = 0, skipped = 0, conflict = 0, altered = 0 } = totals.outcomes;
  const failures = totals.items - verified - arrived - pending - skipped;
  const { items, bytes, duplicates } = totals;
  const summary = countWords({
    ...{ items, bytes, duplicates, verified, arrived, pending, skipped, failures },
    conflicts: conflict,
  });
  return { report: headline, summary, copies: verified + arrived + altered };
}
