import { expect, it } from 'vitest';
import { waitsForApproval } from '../words/covers.js';
import type { ParkedUnit } from '../words/units.js';
import { StuckUnits } from './stuck-units.js';

const parked = (n: number, gate: ParkedUnit['gate']): ParkedUnit => ({
  ...{ n, selection: 'mail', kind: 'mail', gate, reason: '' },
});

it('shows who waits for an approval, however many wait for something else: only what is shown can be approved', () => {
  const units = new StuckUnits<ParkedUnit>(waitsForApproval);
  for (let n = 1; n <= 150; n++) units.add(parked(n, 'credentials'));
  units.add(parked(151, 'approval'));
  units.add(parked(152, 'failures'));
  units.add(parked(1, 'approval'));

  expect(units.first(4).map(({ n }) => n)).toEqual([151, 152, 1, 2]);
  expect([units.ahead, units.size, units.first(200).length]).toEqual([3, 152, 152]);

  units.delete(151);
  expect(units.first(1)).toEqual([parked(152, 'failures')]);
});
