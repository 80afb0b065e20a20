/** `migrate codec-server`: decrypts payloads for Temporal's Web UI and command line. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { findDevStack } from '../../worker/stack/discovery.js';
import type { CodecServerArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';

const DEFAULT_PORT = 8234;
const LOOPBACK = /^(127\.|::1$|localhost$)/;

export async function run(shell: Shell, args: Pick<CodecServerArgs, 'port'>): Promise<number> {
  const { createCodec } = await import('../../worker/codec/codec.js');
  const { createCodecServer } = await import('../../worker/codec/http.js');
  const { KEYS_FORMAT, readKeys } = await import('../../worker/codec/keys.js');
  const { parseSetting } = await import('../../worker/settings-table.js');

  const keysFile = parseSetting('DROVER_ENCRYPTION_KEYS_FILE', shell.env);
  if (keysFile === '') {
    throw new CommandError(
      exitCodes.usage,
      'DROVER_ENCRYPTION_KEYS_FILE is not set',
      `name the workers' keys file: ${KEYS_FORMAT}`,
    );
  }
  const keys = await readKeys(keysFile).catch((error: Error) => {
    throw new CommandError(exitCodes.usage, error.message, undefined, error);
  });
  const host = parseSetting('DROVER_CODEC_HOST', shell.env);
  const tokenFile = parseSetting('DROVER_CODEC_TOKEN_FILE', shell.env);
  const token = tokenFile === '' ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  if (token === '')
    throw new CommandError(exitCodes.usage, `${tokenFile} is empty`, 'write a token into it: `openssl rand -hex 32`');
  if (!LOOPBACK.test(host) && token === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `listening on ${host} would decrypt payloads for anybody who can connect`,
      'set DROVER_CODEC_TOKEN_FILE, or leave DROVER_CODEC_HOST at 127.0.0.1',
    );
  }
  const origins = await allowedOrigins(shell, parseSetting('DROVER_CODEC_ORIGINS', shell.env));
  const server = createCodecServer({ codec: createCodec(keys), origins, ...(token !== undefined && { token }) });
  server.listen(args.port ?? DEFAULT_PORT, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const taken = code === 'EADDRINUSE';
    throw new CommandError(
      exitCodes.failed,
      `listening on ${host}: ${message}`,
      taken ? 'give another port with --port' : undefined,
      error,
    );
  }
  const { port } = server.address() as AddressInfo;
  shell.out(`http://${host}:${port}`);
  shell.err(
    `keys: ${keys.map((key) => key.id).join(', ')}; pages that may ask: ${origins.join(', ') || 'none (set DROVER_CODEC_ORIGINS)'}`,
  );
  shell.err(
    "in the Web UI's settings (the glasses icon) enter the address above as the remote codec endpoint; Ctrl-C stops",
  );
  if (!shell.signal.aborted) await once(shell.signal, 'abort');
  server.close();
  server.closeAllConnections();
  return exitCodes.done;
}

async function allowedOrigins(shell: Shell, told: string): Promise<string[]> {
  if (told !== '') return told.split(',').map((origin) => origin.trim().replace(/\/$/, ''));
  const ui = (await findDevStack(shell.cwd))?.uiAddress;
  return ui === undefined ? [] : [ui, ui.replace('127.0.0.1', 'localhost')];
}
