/** Signs in the bytes of a message that the disk or the program that kept it lost some of them. */

/** A file system that crashed leaves blocks of NUL bytes; text has none, and binary parts no such run of them. */
const RUN = Buffer.alloc(512);

/** What is to be said of a message that moves all the same. */
export function damageIn(message: Buffer): string[] {
  const at = message.indexOf(RUN);
  return at === -1 ? [] : [`NUL bytes stand where text should be, from byte ${at}: it was damaged before`];
}

/** Nothing but NUL bytes: the names of the blocks were written, and never their content. */
export function isOnlyNuls(message: Buffer): boolean {
  return message[0] === 0 && message.every((byte) => byte === 0);
}
