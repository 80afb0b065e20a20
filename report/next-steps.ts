/** What stands between now and "everything is verified", by cause, and what to type: the first thing to read after the answer. */
import { count, plural } from '../words/numbers.js';
import type { Cause } from './causes.js';
import { causeCommands, causesOf } from './causes.js';
import type { ExceptionGroup } from './exceptions.js';
import type { Gathered } from './gather.js';
import { grouped } from './grouped.js';
import { MEANINGS } from './standing.js';
import type { AccountSums } from './sums.js';
import { section } from './tables.js';
import { accountName, escapeHtml, nextWords, stateWords } from './text.js';

/** Causes in sight; the others are folded. */
const CAUSES_IN_SIGHT = 8;
const MAX_CAUSES = 200;
const NAMES_IN_SIGHT = 10;
const MAX_NAMES = 500;

export function nextSteps(report: Gathered): string {
  const { migration, verdict, unfinished } = report;
  const causes = causesOf(report.accounts);
  const steps = [
    ...(unfinished?.step ? [`<p><b>${unfinished.step.words}</b></p>${command(unfinished.step.command)}`] : []),
    ...causes.map((cause) => accountStep(cause, causeCommands(cause, causes, migration))),
    ...itemSteps(report),
    ...report.filters
      .slice(0, 3)
      .map(
        ({ said }) =>
          `<p><b>A filter fits nothing</b>: ${escapeHtml(said)}. Look whether the name is spelt as in the source.</p>`,
      ),
  ];
  if (steps.length === 0) {
    const [words, verb] = verdict.goesOn
      ? ['Nothing yet: the numbers change as long as the run goes on.', 'watch']
      : verdict.complete
        ? ['Nothing: everything is verified. To compare all of it with the target once more:', 'verify']
        : ['Nobody was called to this run. To run it again:', 'retry'];
    return section('What to do next', `<p>${words}</p>${command(`migrate ${verb} ${migration}`)}`);
  }
  const shown = steps.slice(0, CAUSES_IN_SIGHT);
  const folded = steps.slice(CAUSES_IN_SIGHT, MAX_CAUSES);
  return section(
    'What to do next',
    list(shown) +
      (folded.length === 0
        ? ''
        : `<details><summary>${plural(folded.length, 'more cause')}</summary><div>${list(folded)}</div></details>`),
  );
}

const list = (steps: readonly string[]): string =>
  `<ul class="steps">${steps.map((step) => `<li>${step}</li>`).join('')}</ul>`;

const command = (line: string): string => `<pre>${escapeHtml(line)}</pre>`;

function accountStep(cause: Cause, commands: readonly string[]): string {
  const { accounts, state, gate, reason, next } = cause;
  const who = `${plural(accounts.length, 'account')} ${stateWords(state, gate, accounts.length > 1)}`;
  return `<p><b>${who}</b>${reason === null ? '' : `: ${escapeHtml(reason)}`}</p>
<p class="soft">${nameList(accounts)}</p>${moreNames(accounts)}${next === null || next === reason ? '' : `<p>${nextWords(next)}</p>`}${commands.length > 0 ? command(commands.join('\n')) : ''}`;
}

const nameList = (accounts: readonly AccountSums[]): string =>
  accounts
    .slice(0, NAMES_IN_SIGHT)
    .map(({ unit }) => accountName(unit))
    .join(', ');

function moreNames(accounts: readonly AccountSums[]): string {
  const folded = accounts.slice(NAMES_IN_SIGHT);
  if (folded.length === 0) return '';
  const names = folded.slice(0, MAX_NAMES).map(({ unit }) => accountName(unit));
  const beyond = folded.length > MAX_NAMES ? ` … and ${count(folded.length - MAX_NAMES)} more, in summary.json` : '';
  return `<details><summary class="soft">and ${count(folded.length)} more</summary><div class="soft">${names.join(', ')}${beyond}</div></details>`;
}

/** One for each outcome that is not good; their reasons and items stand below. */
function itemSteps({ exceptions, migration, verdict }: Gathered): string[] {
  const byStanding = grouped(
    exceptions.filter(({ standing }) => standing !== 'skipped' && !(verdict.goesOn && standing === 'pending')),
    ({ standing }) => standing,
  );
  return [...byStanding].map(([standing, groups]) => {
    const items = groups.reduce((sum, group) => sum + group.count, 0);
    return `<p><b>${plural(items, 'item')} ${MEANINGS[standing].title}</b>${reasons(groups)}</p><p>${nextWords(MEANINGS[standing].next(migration))}</p>`;
  });
}

function reasons(groups: readonly ExceptionGroup[]): string {
  const told = groups.filter(({ reason }) => reason !== '');
  if (told.length === 0) return '';
  const more = told.length > 2 ? `, and ${plural(told.length - 2, 'other reason')}` : '';
  return `: ${told
    .slice(0, 2)
    .map(({ reason }) => escapeHtml(reason))
    .join('; ')}${more}`;
}
