import { open } from 'node:fs/promises';
import type { SecretRef } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';

const LARGEST_SECRET_BYTES = 64 * 1024;

/**
 * The secret behind a reference: an environment variable as it is, or a file without one line end at its end.
 * Read anew at each call, so that a renewed secret takes effect. Throws `Fault('credentials')` naming the
 * reference, never the value; `Fault('spec')` for a connection, since there is no store of them.
 */
export async function resolve(
  ref: SecretRef,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  if ('env' in ref) {
    const value = env[ref.env];
    if (value === undefined || value === '') {
      throw new Fault('credentials', `the environment variable ${ref.env} is ${value === '' ? 'empty' : 'not set'}`, {
        next: `set ${ref.env} in the environment of the worker, start it again, and run \`migrate credentials\``,
      });
    }
    return value;
  }
  if ('file' in ref) return await readSecretFile(ref.file, signal);
  throw new Fault(
    'spec',
    `the secret refers to the connection ${ref.connection}, and there is no connection store yet`,
    {
      next: 'name an environment variable { env: … } or a file { file: … } instead',
    },
  );
}

async function readSecretFile(path: string, signal: AbortSignal): Promise<string> {
  const next = 'put the secret into this file on the worker, readable by its user, and run `migrate credentials`';
  let bytes: Buffer;
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(LARGEST_SECRET_BYTES + 1);
      let length = 0;
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      bytes = buffer.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'does not exist',
      EISDIR: 'is a folder',
      EACCES: 'may not be read',
    };
    throw new Fault(
      'credentials',
      `the secret file ${path} ${reasons[code ?? ''] ?? `cannot be read (${code ?? 'unknown'})`}`,
      { next },
    );
  }
  if (bytes.length > LARGEST_SECRET_BYTES) {
    throw new Fault('credentials', `the secret file ${path} is larger than 64 KiB, which no secret is`, { next });
  }
  const secret = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (secret === '') throw new Fault('credentials', `the secret file ${path} is empty`, { next });
  return secret;
}
