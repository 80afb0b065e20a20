/**
 * No pattern of the sources can be held by the text it looks at: each is tried on long texts that are made of its own
 * words. What is quadratic takes a thousand times as long as what is linear by then; what is exponential shows earlier.
 */
import { describe, expect, it } from 'vitest';
import { BYTES_PATTERN, RATE_PATTERN } from '../../schemas/bytes.js';
import { accountName } from '../../schemas/core.js';
import { DURATION_PATTERN } from '../../schemas/duration.js';
import { cpuOf, ended, leastCpuOf } from './cpu.js';
import type { Pattern } from './patterns.js';
import { attacksOn, patternsInSources } from './patterns.js';

const BUILT = [BYTES_PATTERN, RATE_PATTERN, DURATION_PATTERN, String(accountName.pattern)].map(
  (source): Pattern => ({ where: 'schemas', source, flags: '' }),
);
const PATTERNS = [...patternsInSources(), ...BUILT];

/** A text on which the pattern takes more time than its length explains. */
function heldBy(pattern: Pattern): string | undefined {
  const { source, flags } = pattern;
  const matcher = new RegExp(source, flags.replace(/[gy]/g, ''));
  const { begins, pumps } = attacksOn(pattern);
  const cost = (text: string, tries: number) => leastCpuOf(() => ended(() => matcher.test(text)), tries);
  for (const pump of pumps.filter((one) => one !== ''))
    for (const begin of begins)
      for (const end of ['\u0000', '\n\u0001']) {
        const attack = (length: number) => begin + pump.repeat(length / pump.length) + end;
        for (const length of [20, 26])
          if (cpuOf(() => matcher.test(attack(length))) > 5 && cost(attack(length), 5) > 5) return attack(length);
        const long = attack(15_000);
        if (cpuOf(() => ended(() => matcher.test(long))) < 5) continue;
        const longer = cost(attack(45_000), 3);
        if (longer > 5 && longer > 5 * cost(attack(15_000), 3))
          return `${JSON.stringify(begin)}, ${JSON.stringify(pump)} repeated, ${JSON.stringify(end)}`;
      }
  return undefined;
}

describe('every pattern in the sources', () => {
  it('is found', () => {
    expect(PATTERNS.length).toBeGreaterThan(300);
  });

  it('takes time that grows with the text, and no faster', () => {
    const held = PATTERNS.flatMap((pattern) => {
      const by = heldBy(pattern);
      return by === undefined ? [] : [`${pattern.where}: /${pattern.source}/${pattern.flags} is held by ${by}`];
    });

    expect(held).toEqual([]);
  });

  it.each(['^(?:\\s|\\p{Cc})*[=]', 'auth\\w* fail', '=+$'])('would be told of /%s/', (source) => {
    expect(heldBy({ where: 'here', source, flags: 'u' })).toBeDefined();
  });
});
