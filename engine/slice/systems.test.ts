import { describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { SpecRules } from '../../schemas/spec.js';
import { directionOf } from './both-sides.js';
import { gateOfSystems, saidOf } from './systems.js';

const spec: SpecRules = {
  version: 1,
  name: 'both',
  sources: { old: { type: 'imap', options: { host: 'imap.old.example' } } },
  targets: { new: { type: 'caldav', options: { url: 'https://me:pw@dav.new.example:8443/{account}/' } } },
  selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new', mode: 'two-way' }],
};
const unit = { selection: 'mail', from: 'anna', to: 'anna' };
const forth = directionOf(spec, unit);
const back = directionOf(spec, unit, true);

describe('what is said of a side', () => {
  const gate = {
    gate: 'approval',
    reason: '12 of 20 items were deleted in the source, more than may go',
    next: '`migrate approve` deletes them in the target too',
  } as const;

  it('names the system, on the way back the one that it is there', () => {
    expect(gateOfSystems(gate, forth)).toEqual({
      gate: 'approval',
      reason: '12 of 20 items were deleted in old (imap.old.example), more than may go',
      next: '`migrate approve` deletes them in new (dav.new.example:8443) too',
    });
    expect(gateOfSystems(gate, back)).toMatchObject({
      reason: '12 of 20 items were deleted in new (dav.new.example:8443), more than may go',
      next: '`migrate approve` deletes them in old (imap.old.example) too',
    });
  });

  it('has the system in front where the server speaks', () => {
    const fault = new Fault('credentials', 'LOGIN: the server answered NO', { side: 'target', retryAfterMs: 5 });
    expect(saidOf(fault, forth)).toMatchObject({
      code: 'credentials',
      message: 'new (dav.new.example:8443): LOGIN: the server answered NO',
      side: 'target',
      retryAfterMs: 5,
    });
    expect(saidOf(fault, back)).toMatchObject({ message: 'old (imap.old.example): LOGIN: the server answered NO' });
  });

  it('names a host once', () => {
    const greeting = new Fault('unavailable', 'imap.old.example:993 did not greet', { side: 'source' });
    expect(saidOf(greeting, forth)).toMatchObject({ message: 'old: imap.old.example:993 did not greet' });
    const gone = new Fault('conflict', 'nothing stands in the target', { side: 'target', next: 'mount the target' });
    expect(saidOf(gone, forth)).toMatchObject({
      message: 'nothing stands in new (dav.new.example:8443)',
      next: 'mount new (dav.new.example:8443)',
    });
  });

  it('knows a path with the account in it', () => {
    const gone = new Fault('not-found', 'there is no folder /srv/mail/anna', { side: 'source' });
    const folders = { old: { type: 'maildir', options: { path: '/srv/mail/{account}' } } };
    const direction = directionOf({ ...spec, sources: folders }, unit);
    expect(saidOf(gone, direction)).toMatchObject({ message: 'old: there is no folder /srv/mail/anna' });
  });

  it('is left as it is where no side is to blame', () => {
    expect(saidOf(new Fault('internal', 'our own error'), forth)).toMatchObject({ message: 'our own error' });
    const error = new Error('no fault');
    expect(saidOf(error, forth)).toBe(error);
  });
});
