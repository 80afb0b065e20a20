/** The whole page: the answer first, then what it rests on. One file without any outside asset. */

import type { Kind } from '../connectors/contract.js';
import { traits } from '../connectors/kinds/traits.js';
import { count, duration, plural, size } from '../words/numbers.js';
import { approvals } from './approvals.js';
import type { ExceptionGroup } from './exceptions.js';
import { MAX_EXAMPLES } from './exceptions.js';
import type { Gathered } from './gather.js';
import { headline } from './headline.js';
import { leftOut } from './left-out.js';
import { nextSteps } from './next-steps.js';
import * as runSections from './run-sections.js';
import * as sections from './sections.js';
import { MEANINGS } from './standing.js';
import { style } from './style.js';
import { countersOf } from './sums.js';
import { containerWord, foldedTable, section, tableOf } from './tables.js';
import { escapeHtml, nextWords, reasonWords, time } from './text.js';

export function page(report: Gathered): string {
  const { migration, run } = report;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(migration)}, run ${run.number}: ${escapeHtml(headline(report))}</title><style>${style}</style></head>
<body><main>
${answer(report)}
${tiles(report)}
${nextSteps(report)}
${approvals(report)}
${sections.accounts(report)}
${exceptions(report)}
${runSections.conflicts(report)}
${sections.outcomes(report)}
${sections.duplicates(report)}
${sections.filters(report)}
${leftOut(report)}
${runSections.gates(report)}
${sections.selections(report)}
${sections.folders(report)}
${skipped(report)}
${sections.renames(report)}
${sections.notes(report)}
${remarks(report)}
${sections.progress(report)}
${runSections.history(report)}
${reproduce(report)}
<footer>Written ${time(report.writtenAt)} by Drover from the ledger's state at that moment. Runs that change nothing after it leave a line in confirmed.ndjson beside it, where a worker wrote it. Names of accounts, folders and files are in this document; subjects, contents and secrets are not.</footer>
</main></body></html>
`;
}

function answer(report: Gathered): string {
  const { verdict, total, run } = report;
  const sentences: string[] = [];
  const proofs = Object.entries(total.proofs).sort(([, a], [, b]) => b - a);
  if (proofs.length > 0) {
    sentences.push(
      `Proven: ${proofs.map(([proof, items]) => `${count(items)} ${PROOF_WORDS[proof] ?? escapeHtml(proof)}`).join(', ')}.`,
    );
  }
  if (verdict.unitsOpen > 0) {
    const unknown = report.accounts.filter(({ unit }) => unit.pairing === null).length;
    const why = unknown > 0 ? `: ${plural(unknown, 'account')} could not be looked into yet` : '';
    sentences.push(`<b>There may be more items than are counted here${why}.</b>`);
  }
  const capital = headline(report).replace(/^./, (first) => first.toUpperCase());
  const latest = report.runs.at(-1)?.number === run.number;
  return `<header><p class="name">Migration <b>${escapeHtml(report.migration)}</b> · run ${run.number} (${escapeHtml(reasonWords(run))}, ${escapeHtml(run.state)}) · ${time(run.startedAt)}</p>
${report.unfinished ? `<p class="goes-on">${escapeHtml(report.unfinished.sentence)}</p>` : ''}<h1>${escapeHtml(capital)}.</h1>
<p><span class="verdict ${verdict.complete ? 'good">✓ everything is verified' : 'bad">✗ not everything is verified'}</span></p>
<p>${sentences.join(' ')}</p>${latest ? '' : '<p>Later runs have followed: items are shown as they stand now.</p>'}${standing(report)}</header>`;
}

/** What other runs say of this one, and it of them; and what is known of it no more. */
function standing({ run, runs }: Gathered): string {
  const confirming = runs.filter(({ confirms }) => confirms === run.number);
  const last = confirming.at(-1);
  return [
    ...(run.part === null
      ? []
      : [
          `This run was asked for ${plural(run.part, 'account')} by name, and this report is about ${run.part === 1 ? 'it' : 'them'} alone. <code>migrate report --run</code> with the number of a run of the whole spec has all.`,
        ]),
    ...(run.confirms === null ? [] : [`It changed nothing: all is as the report of run ${run.confirms} says.`]),
    ...(last
      ? [
          `${plural(confirming.length, 'later run')} changed nothing; the last was run ${last.number}, ${time(last.startedAt)}.`,
        ]
      : []),
    ...(run.prunedAt === null ? [] : [`What it changed and met was removed for its age on ${time(run.prunedAt)}.`]),
  ]
    .map((sentence) => `<p>${sentence}</p>`)
    .join('');
}

const PROOF_WORDS: Readonly<Record<string, string>> = {
  readback: 'read back from the target and compared by digest',
  scan: 'found in the target already, with the same digest',
  checksum: 'by the SHA-256 that the target computed of what it stores',
  size: 'by size only',
  'rendering-readback':
    'read back and compared with the one rendering that was written: the source renders them anew at each reading',
  'rendering-checksum':
    'by the SHA-256 that the target computed of the one rendering that was written: the source renders them anew at each reading',
  'rendering-size': 'by the size of the one rendering that was written only',
};

function tiles({ run, total, verdict, kinds, leftOut, writtenAt }: Gathered): string {
  const word = containerWord({ kinds });
  const folders = leftOut.reduce((sum, { containers }) => sum + containers, 0);
  const counters = countersOf(total);
  const took = duration((run.endedAt ?? writtenAt).getTime() - run.startedAt.getTime());
  const some = (value: number, words: string): [string, string][] => (value > 0 ? [[count(value), words]] : []);
  const written = (['created', 'updated', 'moved', 'removed'] as const).flatMap((counter) =>
    some(Number(run.totals?.[counter] ?? 0), `${counter} in this run`),
  );
  const entries: [string, string][] = [
    [count(verdict.items), 'items'],
    [count(verdict.verified), 'verified'],
    ...(verdict.unitsOpen > 0
      ? [[`${count(verdict.unitsOpen)} of ${count(verdict.units)}`, 'accounts not done'] as [string, string]]
      : []),
    ...some(counters.failures - counters.conflicts, 'failed'),
    ...some(counters.conflicts, 'in conflict'),
    ...some(counters.arrived, 'arrived but not proven'),
    ...some(counters.pending, 'not tried'),
    ...some(counters.skipped, 'skipped'),
    ...some(folders, `${word}s left out`),
    ...some(verdict.leftOut.filtered, 'items left out'),
    ...some(verdict.duplicates, 'duplicates'),
    [size(total.bytes), 'in all'],
    [took, run.endedAt ? 'this run' : 'since it began'],
    ...written,
  ];
  return `<div class="tiles">${entries.map(([value, label]) => `<div class="tile"><b>${value}</b><span>${label}</span></div>`).join('')}</div>`;
}

function exceptions(report: Gathered): string {
  const open = report.exceptions.filter(({ standing }) => standing !== 'skipped');
  const how = `<p class="soft">By reason, with what to do. At most ${count(MAX_EXAMPLES)} items are listed here; every one is in items.csv and items.json.</p>`;
  return exceptionGroups(report, 'Not verified', how, open);
}

/** Nothing to do for them, so they come late. */
function skipped(report: Gathered): string {
  const left = report.exceptions.filter(({ standing }) => standing === 'skipped');
  return exceptionGroups(report, 'Skipped', '', left);
}

function exceptionGroups(report: Gathered, title: string, intro: string, groups: readonly ExceptionGroup[]): string {
  if (groups.length === 0) return '';
  const word = containerWord(report);
  return section(title, intro + groups.map((group) => exceptionGroup(group, report.migration, word)).join(''));
}

function remarks(report: Gathered): string {
  if (report.remarks.length === 0) return '';
  const rows = report.remarks.map(
    (group) =>
      `<td class="n">${count(group.count)}</td><td>${escapeHtml(group.reason)}</td><td>${group.examples
        .slice(0, 3)
        .map((item) => `${escapeHtml(item.folder)} <code>${escapeHtml(item.key)}</code>`)
        .join('<br>')}</td>`,
  );
  return section(
    'Remarks on verified items',
    `<p class="soft">Their content is proven; what is said here could not be kept beside it. Each is in items.csv.</p>${tableOf(['items', 'remark', 'for example'], rows)}`,
  );
}

function exceptionGroup(group: ExceptionGroup, migration: string, word: string): string {
  const meaning = MEANINGS[group.standing];
  const own = group.examples.some((item) => item.reason !== group.reason && item.reason !== null);
  const rows = group.examples.map(
    (item) =>
      `<td class="n">${item.unit}</td><td>${escapeHtml(item.account)}</td><td>${escapeHtml(item.folder)}</td><td><code>${escapeHtml(item.key)}</code></td><td class="n">${size(item.bytes)}</td><td>${item.targetRef === null ? '' : `<code>${escapeHtml(item.targetRef)}</code>`}</td><td class="n">${item.tries}</td>${own ? `<td>${escapeHtml(item.reason ?? '')}</td>` : ''}`,
  );
  const more = group.count - group.examples.length;
  const table = foldedTable(
    ['unit', 'account', word, 'key', 'size', 'target', 'tries', ...(own ? ['its own words'] : [])],
    rows,
    'item',
    ['unit', 'tries'],
  );
  return `<details${group.count <= 20 ? ' open' : ''}><summary><span class="dot" style="background:var(--${group.standing})"></span><b>${plural(group.count, 'item')} ${meaning.title}</b>${group.reason === '' ? '' : `: ${escapeHtml(group.reason)}`}</summary>
<div><p>${meaning.meaning}. <b>Next:</b> ${nextWords(meaning.next(migration))}.</p>${rows.length > 0 ? table : ''}${more > 0 ? `<p class="soft">${plural(more, 'more item')} in items.csv.</p>` : ''}</div></details>`;
}

/** What makes two items equal, by kind; the whole of it is in docs/equality.md. */
const EQUAL_WORDS: Readonly<Record<Kind, string>> = {
  mail: 'Two messages are equal when their canonical forms are: CRLF line ends with one at the end, a NUL as the target shows it, and without headers that only a copying tool added; nothing else may differ.',
  calendar:
    'Two calendar items are equal when they say the same of every occurrence: the order and folding of lines, the spelling of properties and what a server stamps on each item it stores do not count; everything else does.',
  contacts:
    'Two contacts are equal when they have the same properties with the same values: the order and folding of lines, the version’s spelling of types and what a server stamps on each card it stores do not count; everything else does.',
  files:
    'Two files are equal when they have the same bytes: the digest is the SHA-256 of the file, or, above 8 MiB, the SHA-256 of the SHA-256s of its blocks of 8 MiB, one behind the other. A link is equal to one that points to the same, a folder to a folder. Dates do not count.',
};

function reproduce({ migration, run, kinds, total }: Gathered): string {
  const checksums =
    'checksum' in total.proofs
      ? ' <i>By the SHA-256 of the target</i> means that the target computed it from its own copy and Drover compared it with that of the source, without fetching the file.'
      : '';
  const paths = [...kinds].some((kind) => traits[kind].place === 'path')
    ? ' For files the key is the path in the source, and the reference that in the target; <code>renamed.csv</code> is there when names had to be changed.'
    : '';
  const equal = (kinds.size === 0 ? (['mail'] as const) : [...kinds]).map((kind) => EQUAL_WORDS[kind]).join(' ');
  return section(
    'What this means, and how to check it',
    `<p>${equal} docs/equality.md has the whole of it. <i>Read back</i> means that Drover fetched the item from the target after writing it and its SHA-256 was that of the source; <i>found already</i>, that the same was true of a copy it had not written; <i>by size</i>, only that the sizes agree.${checksums}</p>
<p>The spec of this run has the hash <code>${escapeHtml(run.specHash)}</code>.</p>
<pre>migrate status ${escapeHtml(migration)}
migrate verify ${escapeHtml(migration)} --wait      # reads everything back again
migrate report ${escapeHtml(migration)} --run ${run.number}
migrate logs ${escapeHtml(migration)}</pre>
<p class="soft">Beside this page: <code>items.csv</code> and <code>items.json</code> with every item (in the CSV a <code>'</code> stands before text that a spreadsheet would run as a formula), and <code>summary.json</code> with the sums.${paths}</p>`,
  );
}
