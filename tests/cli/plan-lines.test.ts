/** A plan on a terminal: no line is wider, no number is cut, and a thousand accounts fit on a screen. */
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { createStyle } from '../../cli/output.js';
import { planLines } from '../../cli/plan-lines.js';
import { forecastWords, problemLines } from '../../cli/plan-sum.js';
import { createRecordingShell } from '../../cli/recording-shell.js';
import { createGrouping } from '../../engine/plan/grouped.js';
import { noCounts } from '../../engine/plan/look.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';

const style = createStyle(createRecordingShell().shell);
const FOLDERS = [
  'INBOX',
  'Archiv/2019/Kunden und Lieferanten/Rechnungen und Mahnungen der Niederlassung Süd (alte Struktur, nicht löschen)',
  '受信トレイ/プロジェクト/二〇二五年度の請求書と見積書のアーカイブ/古いもの',
  `one${'long'.repeat(50)}name`,
  'Drafts',
];

function planOf(accounts: number): PlanResult {
  const grouping = createGrouping();
  const mail: SelectionWithAccounts = { name: 'mail', kind: 'mail', from: 'old', to: 'new', accounts: 'all' };
  const calendars: SelectionWithAccounts = { ...mail, name: 'calendars', kind: 'calendar', mode: 'two-way' };
  grouping.begin(mail, accounts);
  for (let n = 1; n <= accounts; n++) {
    for (const [at, path] of FOLDERS.entries()) {
      const target = at === 3 ? `other${'long'.repeat(50)}name` : path;
      const counts = { ...noCounts(), create: 1_000 * at, bytes: 1e8 * at, moved: at === 2 ? 12 : 0, unchanged: 7 };
      const row = { selection: 'mail', unit: n, account: `user${n}@old.example`, path, target };
      grouping.add({
        ...row,
        make: at === 2,
        looked: false,
        ...(at === 4 ? { ...noCounts(), unchanged: 40 } : counts),
      });
    }
  }
  grouping.begin(calendars, accounts);
  for (let n = 1; n <= accounts; n++) {
    for (const back of [false, true]) {
      const row = { selection: 'calendars', unit: accounts + n, account: `user${n}@old.example`, target: `of ${n}` };
      const counts = { ...noCounts(), create: 3, bytes: 3_000, conflict: back ? 0 : 1 };
      grouping.add({ ...row, path: `of ${n}`, ...(back && { back }), make: false, looked: true, ...counts });
    }
  }
  return {
    name: 'acme',
    ...grouping.result(),
    problems: Array.from({ length: accounts }, (_, n) => ({
      where: `mail, unit ${n + 1}`,
      unit: { n: n + 1, account: `user${n + 1}@old.example`, selection: 'mail' },
      problem: 'OLD_PASSWORD is not set',
      next: 'set it in the environment of every worker, and start them again so that they see it; then plan once more',
    })),
    notes: [
      { where: 'calendars', note: 'edited on both sides', count: accounts, what: 'conflict' },
      {
        where: 'mail',
        note: 'some keywords are too long for the target, which leaves them out of what it keeps',
        count: 3,
      },
    ],
    leftOut: [
      {
        selection: 'mail',
        rule: 'exclude.roles junk',
        containers: 2 * accounts,
        units: accounts,
        items: 400,
        first: [{ unit: 1, path: `Junk${'mail'.repeat(40)}` }],
      },
    ],
    forecast: { items: 1, bytes: 1, atLeast: 3600, unmeasured: 3, limit: { system: 'target new', seconds: 3600 } },
  };
}

describe.each([1, 5, 1_000])('%i accounts', (accounts) => {
  const made = planOf(accounts);

  test.each([60, 80, 120])('no line is wider than %i columns', (columns) => {
    for (const details of [false, true]) {
      const lines = [...planLines(made, { columns, style, details }), ...problemLines(made.problems, columns)];
      expect(lines.filter((line) => stringWidth(line) > columns)).toEqual([]);
    }
  });

  test('fit on a screen, what is cut is cut in the middle, and the sum comes last', () => {
    const lines = planLines(made, { columns: 80, style });
    const problems = problemLines(made.problems, 80);
    expect(lines.length + problems.length).toBeLessThan(60);
    const text = lines.join('\n');
    expect(text).toMatch(/Archiv.*….*löschen\) +\+[\d,]+ /);
    expect(text).toMatch(/ {2}onelong.*….*name as other.*….*name +\+[\d,]+ /);
    expect(lines.filter((line) => line.includes('Drafts'))).toEqual([]);
    expect(text).toContain(`${(68 * accounts).toLocaleString('en-US')} unchanged`);
    const last = lines.findIndex((line) => line.startsWith('Plan: '));
    expect(lines.slice(last).join(' ')).toMatch(/^Plan: [\d,]+ to add \(.+\), 0 to change, .* in +conflict$/);
    expect(problems.join(' ')).toContain(
      accounts === 1 ? 'unit 1, user1@old.example (mail)' : `${accounts.toLocaleString('en-US')} accounts`,
    );
    expect(problems.join(' ').replaceAll(/ +/g, ' ')).toContain('see it; then plan once more');
  });
});

test('more folders than have room are accounts, or one row', () => {
  const few = planLines(planOf(5), { columns: 80, style }).filter((line) => /^ {2}(← )?of \d/.test(line));
  expect(few.length).toBe(10);
  const many = planLines(planOf(1_000), { columns: 80, style });
  expect(many.filter((line) => /^ {2}(← )?of \d/.test(line)).length).toBe(11);
  expect(many.find((line) => line.startsWith('  more: see --details'))).toMatch(/\+5,967 /);
});

test('details name each account with what is to do in each folder', () => {
  const lines = planLines(planOf(5), { columns: 120, style, details: true });
  expect(lines.filter((line) => /^ {2}user\d@old\.example \(unit \d+\) +\+/.test(line)).length).toBe(10);
  expect(lines.filter((line) => /^ {4}Archiv/.test(line)).length).toBe(5);
});

test('a forecast says what it rests on', () => {
  expect(forecastWords(planOf(1).forecast as NonNullable<PlanResult['forecast']>)).toMatch(/^at least 1 h/);
});
