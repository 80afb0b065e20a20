/** Our Maildir as a real Dovecot reads it, and Dovecot's as we read it. */
import { chown, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  all,
  apply,
  bodyOf,
  containerAt,
  create,
  entries,
  flagsOf,
  itemsAt,
  never,
  written,
} from '../../tests/conformance/collect.js';
import { odd, plain } from '../../tests/conformance/odd-messages.js';
import type { Dovecot } from '../../tests/servers/dovecot.js';
import { startDovecot } from '../../tests/servers/dovecot.js';
import { ImapWitness } from '../../tests/servers/imap-witness.js';
import { digestMail } from '../kinds/mail.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

let dovecot: Dovecot;
beforeAll(async () => {
  dovecot = await startDovecot();
});
afterAll(() => dovecot?.stop());

const PATHS = [['INBOX'], ['Projects'], ['Projects', 'Über & Söhne'], ['Entwürfe — 日本語'], ['Old  mail']];
const FLAGS = ['$Forwarded', 'Project-X', '\\Answered', '\\Seen'];
const DATE = '2019-03-01T10:22:03+00:00';

/** The owner of the mail is not who runs this test. */
async function giveToDovecot(folder: string): Promise<void> {
  await chown(folder, dovecot.uid, dovecot.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const at = join(folder, entry.name);
    if (entry.isDirectory()) await giveToDovecot(at);
    else await chown(at, dovecot.uid, dovecot.gid);
  }
}

it('is read by Dovecot: folders, content, flags, keywords, dates', async () => {
  const path = dovecot.mailDir('anna');
  await mkdir(dirname(path), { recursive: true });
  const target = createMaildirTarget({ path, layout: 'maildir++' });
  const bodies = [plain(1), odd.eightBitBody, odd.fromLines, odd.noFinalNewline, odd.longLine];
  for (const folder of PATHS) {
    const container = await target.ensure({ path: folder, subscribed: true }, never);
    const writes = bodies.map((body, n) => create(`t${n}`, body, { flags: FLAGS, date: DATE }));
    const answers = await apply(target, container, writes);
    for (const write of writes) written(answers, write.token);
  }
  await giveToDovecot(dirname(path));

  const witness = await ImapWitness.open(dovecot, 'anna');
  try {
    for (const folder of PATHS) {
      const seen = await witness.messages(folder);
      expect([folder, seen.map((one) => digestMail(one.bytes)).sort()]).toEqual([
        folder,
        bodies.map((body) => digestMail(body)).sort(),
      ]);
      for (const one of seen)
        expect([[...one.flags].sort(), Date.parse(one.date ?? '')]).toEqual([FLAGS, Date.parse(DATE)]);
    }
  } finally {
    await witness.close();
  }
  expect(await dovecot.log()).not.toMatch(/Error|Warning/);
});

it('reads what Dovecot wrote: folders, content, flags, keywords, dates', async () => {
  const witness = await ImapWitness.open(dovecot, 'bert');
  try {
    for (const folder of PATHS) await witness.put(folder, { bytes: plain(folder.join()), flags: FLAGS, date: DATE });
  } finally {
    await witness.close();
  }
  const source = createMaildirSource({ path: dovecot.mailDir('bert'), layout: 'maildir++' });
  for (const folder of PATHS) {
    const container = await containerAt(source, folder);
    const items = await entries(source.list(container, undefined, never));
    const [body] = await all(source.read(container, items, never));
    expect(digestMail(bodyOf(body))).toBe(digestMail(plain(folder.join())));
    expect(items.map((item) => [flagsOf(item), item.meta?.date])).toEqual([[FLAGS, DATE]]);
  }
});

it('keeps what Dovecot changed since: new flags, and mail that it moved from new to cur', async () => {
  const witness = await ImapWitness.open(dovecot, 'bert');
  const source = createMaildirSource({ path: dovecot.mailDir('bert'), layout: 'maildir++' });
  try {
    const key = await witness.put(['Later'], { bytes: plain('later') });
    const [before] = await itemsAt(source, ['Later']);
    await witness.setFlags(['Later'], key, ['\\Flagged', 'Another']);
    const [after] = await itemsAt(source, ['Later']);
    expect([after?.key, after && flagsOf(after)]).toEqual([before?.key, ['Another', '\\Flagged']]);
  } finally {
    await witness.close();
  }
});
