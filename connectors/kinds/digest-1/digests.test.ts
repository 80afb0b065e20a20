/** Digests of version 1 stay what ledgers hold: of all samples, as the code of 0.4 computed them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { oddCards } from '../../../tests/conformance/odd-cards.js';
import { oddEvents } from '../../../tests/conformance/odd-events.js';
import { calendarDigest1, contactDigest1 } from './digests.js';

const held = JSON.parse(readFileSync(new URL('./digests.json', import.meta.url), 'utf8')) as Record<
  'calendar' | 'contacts',
  Record<string, string>
>;

it.each([
  { kind: 'calendar', samples: oddEvents, digest: calendarDigest1 },
  { kind: 'contacts', samples: oddCards, digest: contactDigest1 },
] as const)('computes the digests of version 1 of $kind as 0.4 did', ({ kind, samples, digest }) => {
  const now = Object.fromEntries(Object.keys(held[kind]).map((name) => [name, digest(samples[name] as Buffer)]));

  expect(now).toEqual(held[kind]);
});
