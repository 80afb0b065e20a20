import { describe, expect, it } from 'vitest';
import type { Phase } from './faults.js';
import { faultFromNetwork, faultFromReply } from './faults.js';
import type { StatusReply } from './reply.js';
import { parseReply } from './reply.js';
import { wayTo } from './way.js';

function fault(line: string, phase: Phase = 'other', secrets: string[] = []) {
  return faultFromReply(parseReply([line]) as StatusReply, { command: 'APPEND', phase, secrets });
}

describe('faults from replies', () => {
  it.each([
    ['D1 NO [AUTHENTICATIONFAILED] Authentication failed.', 'login', 'credentials', undefined],
    ['D1 NO [EXPIRED] That password is no longer valid', 'login', 'credentials', undefined],
    ['D1 NO LOGIN failed.', 'login', 'credentials', undefined],
    ['D1 NO Invalid login or password', 'login', 'credentials', undefined],
    [
      'D1 NO [ALERT] Application-specific password required: https://support.example (Failure)',
      'login',
      'credentials',
      undefined,
    ],
    ['D1 NO [UNAVAILABLE] Temporary authentication failure.', 'login', 'unavailable', undefined],
    ['D1 NO Server Unavailable. 15', 'login', 'unavailable', undefined],
    [
      'D1 NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)',
      'login',
      'throttled',
      15_000,
    ],
    ['* BYE [ALERT] Too many simultaneous connections. (Failure)', 'login', 'throttled', 15_000],
    ['D1 BAD User is authenticated but not connected.', 'other', 'throttled', 30_000],
    ['D1 BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds', 'message', 'throttled', 92_415],
    ['D1 NO [LIMIT] Rate limit hit, try again in 2 minutes', 'message', 'throttled', 120_000],
    ['D1 NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)', 'other', 'throttled', 600_000],
    ['D1 NO [INUSE] Mailbox in use', 'other', 'throttled', 5_000],
    ['D1 NO [OVERQUOTA] Quota exceeded (mailbox for user is full)', 'message', 'quota', undefined],
    ['D1 NO Over quota', 'message', 'quota', undefined],
    ['D1 NO [TRYCREATE] No such mailbox', 'message', 'not-found', undefined],
    ['D1 NO [TOOBIG] Message too large', 'message', 'refused', undefined],
    ['D1 NO [LIMIT] Too many keywords', 'message', 'refused', undefined],
    ['D1 BAD Command Argument Error. 11', 'message', 'refused', undefined],
    ['D1 NO [SERVERBUG] Internal error occurred', 'message', 'refused', undefined],
    ['D1 NO [SERVERBUG] Internal error occurred', 'other', 'unavailable', undefined],
    ['D1 NO [EXPUNGEISSUED] gone', 'message', 'source-changed', undefined],
    ['* BYE Session invalidated - AccessTokenExpired', 'other', 'unavailable', undefined],
    ['* BYE Disconnected for inactivity.', 'other', 'unavailable', undefined],
  ] as const)('%s (%s) is %s', (line, phase, code, retryAfterMs) => {
    expect(fault(line, phase)).toMatchObject({ code, retryAfterMs });
  });

  it('keeps secrets, addresses and control characters out', () => {
    const secret = 'hunter2';
    const base64 = Buffer.from(secret).toString('base64');
    const { message } = fault(`D1 NO LOGIN anna@old.example ${secret} ${base64} \x1b[31mred`, 'login', [secret]);
    expect(message).toBe('APPEND: the server answered NO LOGIN <address> <secret> <secret>  [31mred');
  });

  it('cuts long texts', () => {
    expect(fault(`D1 NO ${'x'.repeat(5000)}`).message.length).toBeLessThan(400);
  });

  it('tells a wrong certificate from a broken network', () => {
    const error = (code: string) => Object.assign(new Error('x'), { code });
    const way = wayTo({ host: 'old.example' });
    expect(faultFromNetwork('', error('SELF_SIGNED_CERT_IN_CHAIN'), way).code).toBe('spec');
    expect(faultFromNetwork('', error('ERR_SSL_WRONG_VERSION_NUMBER'), way).code).toBe('spec');
    expect(faultFromNetwork('', error('ECONNRESET'), way).code).toBe('unavailable');
  });
});
