/** The connection to a server: whom it trusts, and what it means when it fails. */
import { readFileSync } from 'node:fs';
import { Fault } from '../../errors.js';

/** What an error of the connection means; the signal's own reason where it ended. */
export function broken(error: unknown, where: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Fault) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code ?? '');
  if (certificate) {
    return new Fault('spec', `${where}: the server's certificate is not trusted (${code})`, {
      next: 'name its CA with ca',
      cause: error,
    });
  }
  return new Fault('unavailable', `${where}: ${code ?? ''} ${message || 'the connection failed'}`.replace('  ', ' '), {
    next: 'check that the server runs and can be reached from the worker; it is tried again',
    cause: error,
  });
}

export function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault('spec', `the CA file cannot be read: ${(error as Error).message}`, {
      next: 'check the path of ca on the worker',
      cause: error,
    });
  }
}
