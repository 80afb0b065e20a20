import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, redactText } from './redact.js';

describe('redactText', () => {
  it.each([
    ['password=hunter2 host=x', 'password=[redacted] host=x'],
    ['{"password":"hunter2","host":"x"}', '{"password":[redacted],"host":"x"}'],
    ["client_secret: 'a b c'", 'client_secret: [redacted]'],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [redacted]'],
    ['got bearer eyJhbGciOiJI from', 'got bearer [redacted] from'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic [redacted]'],
    ['A1 AUTHENTICATE PLAIN AGFubmEAaHVudGVyMg==', 'A1 AUTHENTICATE PLAIN [redacted]'],
    ['AUTH PLAIN AGFubmEAaHVudGVyMg==', 'AUTH PLAIN [redacted]'],
    ['A1 LOGIN anna@old.example hunter2', 'A1 LOGIN anna@old.example [redacted]'],
    ['A1 LOGIN "anna" "hunt er\\"2"', 'A1 LOGIN "anna" [redacted]'],
    ['https://anna:hunter2@host/path', 'https://anna:[redacted]@host/path'],
    ['https://host?access_token=abc&x=1', 'https://host?access_token=[redacted]&x=1'],
  ])('%s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  it.each([
    'anna@old.example moved to anna.berg@new.example',
    'the environment variable OLD_PASSWORD is not set',
    'LOGINDISABLED: use TLS',
    'imap://mail.example:993/anna',
  ])('leaves %s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe('a redactor', () => {
  it('finds a secret in whatever a protocol makes of it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 30 }), fc.emailAddress(), (secret, user) => {
        const redactor = createRedactor();
        redactor.remember(secret);
        const sasl = Buffer.from(`\0${user}\0${secret}`).toString('base64');
        const xoauth2 = Buffer.from(`user=${user}\x01auth=Bearer ${secret}\x01\x01`).toString('base64');
        const forms = [
          secret,
          encodeURIComponent(secret),
          Buffer.from(secret).toString('base64').replace(/=+$/, ''),
          sasl,
          xoauth2,
        ];

        // Between neutral brackets, so that only remembered forms can be found.
        for (const form of forms) expect(redactor.text(`<${form}>`)).not.toBe(`<${form}>`);
      }),
      { numRuns: 200 },
    );
  });

  it('masks a short secret as a word only', () => {
    const redactor = createRedactor();
    redactor.remember('ab');
    expect(redactor.text('the word ab in cab')).toBe('the word [redacted] in cab');
  });

  it('masks the longer of two secrets whole', () => {
    const redactor = createRedactor();
    redactor.remember('hunter');
    redactor.remember('hunter2000');
    expect(redactor.text('x hunter2000 y')).toBe('x [redacted] y');
  });

  it('redacts an error with its causes and keeps its kind', () => {
    const redactor = createRedactor();
    redactor.remember('CANARY-secret');
    const cause = Object.assign(new Error('inner CANARY-secret'), { server: 'NO CANARY-secret' });
    const error = Object.assign(new TypeError('outer CANARY-secret', { cause }), { code: 'refused', retryAfterMs: 5 });

    const redacted = redactor.error(error);

    expect(redacted).toMatchObject({
      name: 'TypeError',
      message: 'outer [redacted]',
      code: 'refused',
      retryAfterMs: 5,
    });
    expect(redacted.cause).toMatchObject({ message: 'inner [redacted]', server: 'NO [redacted]' });
    expect(`${redacted.stack}${(redacted.cause as Error).stack}`).not.toContain('CANARY');
  });

  it('ends with causes that go in a circle', () => {
    const error = new Error('a');
    error.cause = error;
    expect(createRedactor().error(error).message).toBe('a');
  });
});
