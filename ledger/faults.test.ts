import { constants } from 'node:os';
import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { Fault } from '../connectors/errors.js';
import { faultOf } from './faults.js';

const { DatabaseError } = pg;
const codes = Object.keys(constants.errno);

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -1 });
}

/** As PostgreSQL answers it. */
function refusal(sqlstate: string): Error {
  const error = new DatabaseError('as the server says', 0, 'error');
  error.code = sqlstate;
  error.severity = 'ERROR';
  return error;
}

const sqlstate = fc.stringMatching(/^[0-9A-Z]{5}$/);
const passing = (code: string): boolean => /^(08|40|53|57)/.test(code) || code === '25006';

describe('what comes out of the driver', () => {
  it.each(['connect', 'read', 'write', 'getaddrinfo'])(
    'is passing when a socket failed to %s, whatever the code',
    (syscall) => {
      for (const code of codes) {
        const fault = faultOf(systemError(code, syscall));
        expect(fault, code).toMatchObject({
          code: 'unavailable',
          message: `the ledger did not answer: ${syscall} ${code}`,
        });
      }
    },
  );

  it.each(['open', 'stat', 'scandir', 'mkdir'])(
    'is not the ledger’s when a file failed to %s, whatever the code',
    (syscall) => {
      for (const code of codes) {
        const error = systemError(code, syscall);
        expect(faultOf(error), code).toBe(error);
      }
    },
  );

  it('goes by the class of the SQLSTATE where the server answered', () => {
    fc.assert(
      fc.property(sqlstate, (code) => {
        const error = refusal(code);
        expect(faultOf(error) instanceof Fault).toBe(passing(code));
      }),
    );
    for (const code of ['08006', '40001', '40P01', '53300', '57P01', '57P03', '25006'])
      expect(faultOf(refusal(code)), code).toMatchObject({ code: 'unavailable' });
    for (const code of ['23505', '42P01', '22021', '28P01', '3D000', '25P02'])
      expect(faultOf(refusal(code)), code).not.toBeInstanceOf(Fault);
  });

  it('does not take a code that looks like an SQLSTATE for one', () => {
    // EPIPE has five capitals, as EBUSY, EPERM and others have.
    expect(faultOf(systemError('EPIPE', 'write'))).toMatchObject({ code: 'unavailable' });
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('is passing when the driver says "%s"', (message) => {
    expect(faultOf(new Error(message))).toMatchObject({ code: 'unavailable' });
  });

  it('is passing when none of several addresses answered, and says what the first said', () => {
    const errors = [systemError('ECONNREFUSED', 'connect')];
    const error = Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });

    expect(faultOf(error)).toMatchObject({ message: 'the ledger did not answer: connect ECONNREFUSED' });
  });

  it('is ours when we asked for what cannot be sent', () => {
    const error = Object.assign(new TypeError('not a string'), { code: 'ERR_INVALID_ARG_TYPE' });

    expect(faultOf(error)).toBe(error);
    expect(faultOf('thrown as text')).toBe('thrown as text');
  });

  it('stays a fault that it is already', () => {
    const fault = new Fault('throttled', 'slow down');

    expect(faultOf(fault)).toBe(fault);
  });
});
