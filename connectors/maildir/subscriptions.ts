/** Dovecot's `subscriptions`: a folder a line, levels parted by `.` in its first form, by TAB under a line `V 2`. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../formats/modified-utf7.js';
import { ifThere, onFiles } from '../local/local-files.js';

const SECOND_FORM = 'V\t2\n\n';

/** Tells of a path whether it is subscribed; undefined where the Maildir keeps no subscriptions. */
export async function subscribedIn(root: string): Promise<((path: readonly string[]) => boolean) | undefined> {
  const text = await onFiles(`reading subscriptions of ${root}`, () =>
    ifThere(readFile(join(root, 'subscriptions'), 'utf8')),
  );
  if (text === undefined) return undefined;
  const separator = text.startsWith('V\t2\n') ? '\t' : '.';
  const subscribed = new Set(text.split('\n').map((line) => line.split(separator).map(decoded).join('\n')));
  return (path) => subscribed.has(path.join('\n'));
}

export async function subscribe(root: string, path: readonly string[]): Promise<void> {
  const file = join(root, 'subscriptions');
  await onFiles(`writing subscriptions of ${root}`, async () => {
    const text = await ifThere(readFile(file, 'utf8'));
    if ((await subscribedIn(root))?.(path)) return;
    const firstForm = text !== undefined && !text.startsWith('V\t2\n');
    const line = path
      .map((name) => encodeModifiedUtf7(name, (char) => char === '.' || char === '/'))
      .join(firstForm ? '.' : '\t');
    await appendFile(file, `${text === undefined ? SECOND_FORM : ''}${line}\n`);
  });
}

function decoded(name: string): string {
  return decodeModifiedUtf7(name) ?? name;
}
