import { describe, expect, it } from 'vitest';
import { endSummary, sliceSummary, unitSummary } from './summaries.js';

const call = { n: 3, kind: 'mail', selection: 'mail', account: 'anna@old.example → anna@new.example' };

describe('a line of the Web UI', () => {
  it('says whose it is first', () => {
    expect(unitSummary(call, 2)).toBe('anna@old.example → anna@new.example: mail, unit 3, run 2');
    expect(unitSummary({ n: 3, kind: 'mail', selection: 'archive' }, 2)).toBe('unit 3: mail, selection archive, run 2');
    expect(sliceSummary(call, { phase: 'move', back: true })).toMatch(/: moving, the way back$/);
  });

  it('says how a unit ended', () => {
    const park = { ...call, gate: 'credentials', reason: 'the server says "no"' } as const;
    expect(endSummary(call, { state: 'parked', park })).toBe(
      `${call.account}: waits for credentials: the server says 'no'`,
    );
    expect(endSummary(call, { state: 'failed', reason: 'no folder' })).toBe(`${call.account}: failed: no folder`);
    expect(endSummary(call, { state: 'done' })).toBe(`${call.account}: done`);
  });

  it.each(['a', 'ß', '会', '👨‍👩‍👧', '"'])('has room in Temporal however long the name: %s', (letter) => {
    const account = letter.repeat(600);
    const line = endSummary({ ...call, account }, { state: 'failed', reason: letter.repeat(600) });
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(220);
    expect(line).toMatch(/: failed: /);
  });
});
