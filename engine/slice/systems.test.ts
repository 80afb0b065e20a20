import { describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { SpecRules } from '../../schemas/spec.js';
import { accountName } from '../../words/accounts.js';
import { causesOf } from '../../words/causes.js';
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

  it('names the account where the fault has a placeholder: one person is looked for by name, several are said once', () => {
    const direction = directionOf(spec, { selection: 'mail', from: 'anna@old.example', to: 'anna@new.example' });
    const refused = (side: 'source' | 'target') =>
      saidOf(
        new Fault('credentials', 'imap.old.example:993 refuses the login {account}*m', {
          side,
          next: 'put it into /run/secrets/{account}',
        }),
        direction,
      );
    expect(refused('source')).toMatchObject({
      message: 'old: imap.old.example:993 refuses the login anna@old.example*m',
      next: 'put it into /run/secrets/anna@old.example',
    });
    expect(refused('target')).toMatchObject({ next: 'put it into /run/secrets/anna@new.example' });
    const units = ['anna', 'bela'].map((name, n) => {
      const account = { selection: 'mail', from: `${name}@old.example`, to: `${name}@new.example` };
      const { message, next } = saidOf(
        new Fault('credentials', 'the login {account} is refused', { side: 'source', next: 'see /run/{account}' }),
        directionOf(spec, account),
      ) as Fault;
      return { n, gate: 'credentials' as const, reason: message, next: next as string, account: accountName(account) };
    });
    expect(causesOf(units)).toMatchObject([{ count: 2, next: 'see /run/{account}' }]);
    // Such a name is not taken out again where several wait: it stays a placeholder.
    const bob = directionOf(spec, { selection: 'mail', from: 'bob', to: 'bob' });
    const short = new Fault('credentials', 'the login {account} is refused', { side: 'source' });
    expect(saidOf(short, bob)).toMatchObject({ message: expect.stringContaining('{account}') });
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
