/** Whether what came can be the whole message; what cannot is asked for once more. */
import { doubtAbout, isShort, shortBy } from '../kinds/whole-mail.js';
import type { BodyAnswer } from './body-reply.js';
import { fetchCommand, readBody } from './body-reply.js';
import type { ImapConnection } from './connection.js';

/** How often a server told the size of what it gave, and how often more. */
const sizes = new WeakMap<ImapConnection, { exact: number; short: number }>();

export function compareSizes(connection: ImapConnection, body: Buffer, told: number): void {
  const seen = sizes.get(connection) ?? { exact: 0, short: 0 };
  sizes.set(connection, seen);
  if (isShort(body, told)) seen.short++;
  else if (told > 0) seen.exact++;
}

export function isShortAnswer(answer: BodyAnswer, told: number): boolean {
  return 'body' in answer && isShort(answer.body, told);
}

/**
 * What cannot be all of the message is asked for once more, alone. Exchange only estimates sizes: a body that is shorter
 * and looks whole counts as whole, with a note, unless the sizes of this server are mostly right.
 */
export async function lookedAt(connection: ImapConnection, answer: BodyAnswer, told: number): Promise<BodyAnswer> {
  if (!('body' in answer)) return answer;
  const { uid, body } = answer;
  const { exact, short } = sizes.get(connection) ?? { exact: 0, short: 0 };
  const doubtOf = (one: Buffer) => doubtAbout(one, told, exact > 0 && exact >= short);
  if (doubtOf(body) === undefined) return withNote(uid, body, told);
  let again = body;
  await connection.execute(
    fetchCommand([{ uid, bytes: told }], (reply) => {
      const one = readBody(reply);
      if (one?.uid === uid && 'body' in one) again = one.body;
    }),
  );
  if (doubtOf(again) === undefined) return withNote(uid, again, told);
  const longer = again.length > body.length ? again : body;
  const doubt = doubtOf(longer);
  return { uid, body: longer, ...(doubt === undefined ? {} : { doubt }) };
}

function withNote(uid: number, body: Buffer, told: number): BodyAnswer {
  return { uid, body, ...(isShort(body, told) || body.length === 0 ? { note: shortBy(body, told) } : {}) };
}
