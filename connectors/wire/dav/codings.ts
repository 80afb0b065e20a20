/**
 * Content-Encoding: nobody asks for one, and proxies compress all the same. What is decoded is decoded while it arrives;
 * a coding that is not known is a fault, for what it hides is none of the bytes that were asked for.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Fault } from '../../errors.js';
import type { AnswerBody } from './answer-body.js';

/** The codings of an answer, outermost last, in lower case; undefined where it is sent as it is. */
export function codingIn(headers: Readonly<Record<string, string>>): string | undefined {
  const told = (headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity');
  return told.length === 0 ? undefined : told.join(', ');
}

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * Whether an answer as it was sent may be the file: it has no coding, or one of those that servers name files by, as
 * Apache does `.gz`. No file has the bare coding `deflate`: what was sent in it is never the file.
 */
export function namesFiles(coding: string | undefined): boolean {
  return coding !== 'deflate';
}

/** What was coded, while it arrives. Throws `Fault('unavailable')` for what is not in that coding, or breaks off. */
export async function* decoded(
  body: AsyncIterable<Uint8Array>,
  coding: string,
  where: string,
): AsyncGenerator<Uint8Array> {
  const decoder = DECODERS[coding]?.();
  if (!decoder) {
    throw new Fault('unavailable', `${where}: the answer comes in a coding that nobody asked for (${shown(coding)})`, {
      next: 'look for a proxy before the server that compresses, and let it leave this server alone',
    });
  }
  const ending = new AbortController();
  let failure: unknown;
  const fed = pipeline(Readable.from(body), decoder, { signal: ending.signal }).catch((error: unknown) => {
    failure ??= error;
  });
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    const cause = failure ?? error;
    if (cause instanceof Fault) throw cause;
    throw new Fault('unavailable', `${where}: what the server sent as ${shown(coding)} is none, or breaks off`, {
      next: 'it is asked for again; look for a proxy before the server that compresses',
      cause,
    });
  } finally {
    ending.abort();
    await fed;
  }
}

export function decodedBody(body: AnswerBody, coding: string, where: string): AnswerBody {
  return {
    sent: body,
    // Nobody has announced how long it is.
    upTo: async () => undefined,
    [Symbol.asyncIterator]: () => decoded(body, coding, where),
  };
}

/** All of what was coded and is held; undefined where it is not in that coding, or more than `most` bytes. */
export async function decodedWhole(sent: Buffer, coding: string, most: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of decoded(once(sent), coding, '')) {
      bytes += chunk.length;
      if (bytes > most) return undefined;
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

function shown(coding: string): string {
  return JSON.stringify(coding.replace(/[^a-z0-9, -]/g, '').slice(0, 40));
}
