import { describe, expect, it } from 'vitest';
import { accountName, namesWithin, unitWords } from './accounts.js';
import type { StuckUnit } from './causes.js';
import { Causes, causesOf, causeWords, whyWords } from './causes.js';

const NAMES = ['anna@old', 'bela@old', 'carl@old', 'dora@old', 'emil@old'];
const stuck = (n: number, more: Partial<StuckUnit> = {}): StuckUnit => ({
  n,
  account: NAMES[n - 1] as string,
  selection: 'mail',
  reason: 'OLD_PASSWORD is not set',
  ...more,
});

describe('accounts', () => {
  it('are named once where both sides call them the same', () => {
    expect(accountName({ from: 'anna@old', to: 'anna@old' })).toBe('anna@old');
    expect(accountName({ from: 'anna@old', to: 'anna@new' })).toBe('anna@old → anna@new');
  });

  it('stand beside numbers, and may be missing', () => {
    expect(unitWords({ n: 3, account: 'anna@old → anna@new', selection: 'mail' })).toBe(
      'unit 3, anna@old → anna@new (mail)',
    );
    expect(unitWords({ n: 3, selection: 'mail' })).toBe('unit 3 (mail)');
  });

  it('travel as far as there is room', () => {
    const units = NAMES.map((from, at) => ({ n: at + 1, from, to: from }));
    expect(namesWithin(units, { names: 2, letters: 1_000 })).toEqual({ 1: 'anna@old', 2: 'bela@old' });
    expect(namesWithin(units, { names: 9, letters: 40 })).toEqual({ 1: 'anna@old', 2: 'bela@old' });
  });
});

describe('causes', () => {
  it('that are equal are one, with the names of the first', () => {
    expect(causesOf([1, 2, 3].map((n) => stuck(n))).map((cause) => whyWords(cause))).toEqual([
      '3 accounts: OLD_PASSWORD is not set (anna@old, bela@old, carl@old)',
    ]);
    const five = causesOf([1, 2, 3, 4, 5].map((n) => stuck(n, { gate: 'credentials' })));
    expect(five.map((cause) => causeWords(cause))).toEqual([
      '5 accounts wait for credentials: OLD_PASSWORD is not set (anna@old, bela@old, carl@old and 2 more)',
    ]);
  });

  it('of one unit name it', () => {
    const [cause] = causesOf([stuck(2, { gate: 'approval', reason: '12 of 100 items' })]);
    expect(cause && causeWords(cause)).toBe('unit 2, bela@old (mail), waits for approval: 12 of 100 items');
  });

  it('are equal but for the account that they name', () => {
    const refused = (n: number): StuckUnit => stuck(n, { reason: `the server does not know ${NAMES[n - 1]}` });
    expect(causesOf([refused(1), refused(2)]).map(({ reason }) => reason)).toEqual([
      'the server does not know {account}',
    ]);
    expect(causesOf([refused(1)]).map(({ reason }) => reason)).toEqual(['the server does not know anna@old']);
  });

  it('are others where the gate or what to do is another', () => {
    expect(causesOf([stuck(1, { gate: 'credentials' }), stuck(2), stuck(3, { next: 'renew it' })])).toHaveLength(3);
  });

  it('of several selections say which; units without a name are numbers', () => {
    const units = [stuck(1), stuck(2, { account: 'anna@old', selection: 'calendar' })];
    expect(causesOf(units).map((cause) => whyWords(cause))).toEqual([
      '2 units: OLD_PASSWORD is not set (anna@old (mail), anna@old (calendar))',
    ]);
    const nameless = [7, 8].map((n): StuckUnit => ({ n, selection: 'mail', reason: 'no' }));
    expect(causesOf(nameless).map((cause) => whyWords(cause))).toEqual(['2 units: no (unit 7, unit 8)']);
  });

  it('of items sum them up', () => {
    const units = [stuck(1, { items: 3, reason: 'too large' }), stuck(2, { items: 2, reason: 'too large' })];
    expect(causesOf(units).map((cause) => whyWords(cause))).toEqual([
      '2 accounts, 5 items: too large (anna@old, bela@old)',
    ]);
  });

  it('are kept while units come and go, the largest first, and stay small', () => {
    const causes = new Causes();
    for (let n = 1; n <= 15_000; n++) causes.add({ n, account: `surname${n}@old`, selection: 'mail', reason: 'no' });
    causes.add({ ...stuck(1), n: 20_000 });
    expect(causes.list().map(({ count, units }) => [count, units.length])).toEqual([
      [15_000, 10],
      [1, 1],
    ]);
    expect(JSON.stringify(causes.list()).length).toBeLessThan(2_000);
    for (let n = 1; n <= 15_000; n++) causes.remove({ n, account: `surname${n}@old`, selection: 'mail', reason: 'no' });
    causes.remove(stuck(4));
    expect(causes.list().map(({ units }) => units.map(({ n }) => n))).toEqual([[20_000]]);
  });
});
