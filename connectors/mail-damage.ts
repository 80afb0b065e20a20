/** Signs in the bytes of a message that the disk or the program that kept it lost some of them. */

/** A file system that crashed leaves blocks of NUL bytes; text has none, and binary parts no such run of them. */
const RUN = Buffer.alloc(512);

/** What is to be said of a message that moves all the same. */
export function damageIn(message: Buffer): string[] {
  const at = message.indexOf(RUN);
  return at === -1 ? [] : [`NUL bytes stand where text should be, from byte ${at}: it was damaged before`];
}

/** Why there is nothing to move; undefined where there is a message. */
export function nothingIn(message: Buffer): string | undefined {
  if (message.length === 0) return 'the file is empty: the message was lost before';
  if (message[0] !== 0 || message.some((byte) => byte !== 0)) return undefined;
  return 'it holds nothing but NUL bytes: the message was lost before';
}
