/** The numbers of a user of this machine, for what a server run as that user must own. */
import { readFile } from 'node:fs/promises';

export async function userIds(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((one) => one.startsWith(`${name}:`));
  if (!line) throw new Error(`this machine has no user ${name}`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
