/** The body of an answer: a stream, or, where it is announced as small, read as a whole, which costs half as much. */
import type { Dispatcher } from 'undici';

export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** All of it, when it is announced to be no longer than this; undefined otherwise, and then nothing has been read. */
  upTo(most: number): Promise<Buffer | undefined>;
  /** What was sent, where this is what was decoded of it (codings.ts). */
  readonly sent?: AnswerBody;
}

/** `broken`: what an error of the connection means. */
export function answerBody(
  body: Dispatcher.ResponseData['body'],
  length: string | undefined,
  broken: (error: unknown) => unknown,
): AnswerBody {
  return {
    async upTo(most) {
      if (length === undefined || !(Number(length) <= most)) return undefined;
      try {
        return Buffer.from(await body.arrayBuffer());
      } catch (error) {
        throw broken(error);
      }
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* body;
      } catch (error) {
        throw broken(error);
      }
    },
  };
}

/** Nobody needs what is drained, but the connection is used again. */
const SMALL = 64 * 1024;

/** A new connection costs less than to wait for more than this; it may never end. */
const MOST_DRAINED = 1024 * 1024;

export async function drain(answer: AnswerBody): Promise<void> {
  const body = answer.sent ?? answer;
  if (await body.upTo(SMALL)) return;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MOST_DRAINED) return;
  }
}

/** The rest is not waited for: that ends the connection, and the next request opens another. */
export async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body) break;
}

/** What a program says about itself or about a few files. */
export const MOST_SAID = 8 * 1024 * 1024;

/** All of it; undefined when it is longer than `most` bytes: the rest is not waited for. */
export async function whole(body: AnswerBody, most: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
