import { expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { createRemarks } from './remarks.js';

const redact = (text: string): string => text;
/** Beside the containers, in one message of Temporal. */
const SMALL = 800_000;

it('names the first of very many accounts that cannot be opened, and counts the others', () => {
  const remarks = createRemarks({ redact });
  const fault = new Fault('unavailable', 'imap.old.example: connection refused, as the system says in its own words', {
    next: 'check the host and the port of the source, and whether a firewall stands in between',
  });
  for (let unit = 1; unit <= 15_000; unit++) remarks.fault(`mail, unit ${unit}`, fault);

  const problems = remarks.problems();

  expect(problems[0]).toMatchObject({ where: 'mail, unit 1' });
  expect(problems.at(-1)).toEqual({ where: 'plan', problem: '14000 more problems like these, too many to list' });
  expect(JSON.stringify(problems).length).toBeLessThan(SMALL);
});

it('names the first of very many accounts with names that the target cannot keep, and counts the others', () => {
  const remarks = createRemarks({ redact });
  for (let unit = 1; unit <= 15_000; unit++)
    remarks.name({
      where: `files, unit ${unit}`,
      path: `a:${unit}`,
      becomes: 'refused',
      reason: 'the target keeps no :',
    });

  const problems = remarks.problems();

  expect(problems.at(-1)).toMatchObject({ problem: '14800 more problems like these, too many to list' });
  expect(remarks.names()).toMatchObject({ refused: 15_000, first: { length: 20 } });
  expect(JSON.stringify(problems).length).toBeLessThan(SMALL);
});
