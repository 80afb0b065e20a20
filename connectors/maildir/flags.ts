/** Flag letters of file names, and keywords by Dovecot's `dovecot-keywords`, which numbers them for `a` to `z`. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { withDotLock } from '../local/dot-lock.js';
import { ifThere, onFiles } from '../local/local-files.js';
import type { FilePath } from './raw-names.js';
import { below } from './raw-names.js';

const LETTERS: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  P: '$Forwarded',
  R: '\\Answered',
  S: '\\Seen',
};
const FLAGS = new Map(Object.entries(LETTERS).map(([letter, flag]) => [flag.toLowerCase(), letter]));

/** 26 letters are all that a Maildir file name offers. */
const MAX_KEYWORDS = 26;
/** An IMAP atom (RFC 3501, section 9): what Dovecot can read from its file. */
const KEYWORD = /^[^\s\p{C}(){%*"\\\]\u0080-\uffff]+$/u;
/** Keyword names by letter position. */
export type Keywords = readonly (string | undefined)[];

export async function keywordsOf(folder: FilePath): Promise<Keywords> {
  const text = await onFiles(`reading keywords of ${folder}`, () =>
    ifThere(readFile(below(folder, 'dovecot-keywords'), 'utf8')),
  );
  const names: (string | undefined)[] = [];
  for (const line of text?.split('\n') ?? []) {
    const [, position, name] = /^(\d+) (.+)$/.exec(line) ?? [];
    if (position !== undefined && Number(position) < MAX_KEYWORDS) names[Number(position)] = name;
  }
  return names;
}

/** Flags and keywords, sorted; without the mark for deletion (`T`), which is not moved. */
export function flagsOf(letters: string, keywords: Keywords): string[] {
  const flags = new Set<string>();
  for (const letter of letters) {
    const flag = meaningOf(letter, keywords);
    if (flag !== undefined) flags.add(flag);
  }
  return [...flags].sort();
}

/** Keyword letters of a name that `dovecot-keywords` does not name: what they mean is not known. */
export function unnamedLetters(letters: string, keywords: Keywords): string {
  return [...letters].filter((letter) => letter >= 'a' && meaningOf(letter, keywords) === undefined).join('');
}

function meaningOf(letter: string, keywords: Keywords): string | undefined {
  return LETTERS[letter] ?? (letter >= 'a' && letter <= 'z' ? keywords[letter.charCodeAt(0) - 97] : undefined);
}

export interface Lettered {
  /** In ASCII order, as the Maildir page asks. */
  readonly letters: string;
  /** One note for each flag that cannot be kept. */
  readonly notes: readonly string[];
}

/** The letters for `flags`. Of the letters a file has `now`, those without a known meaning are kept. */
export function lettersOf(flags: readonly string[], keywords: Keywords, now = ''): Lettered {
  const unknown = [...now].filter((letter) => meaningOf(letter, keywords) === undefined);
  const letters = new Set(unknown);
  const notes: string[] = [];
  for (const flag of flags) {
    // Dovecot does not know `P`, others not Dovecot's keywords: `$Forwarded` is written both ways.
    const at = keywords.indexOf(flag);
    const both = [FLAGS.get(flag.toLowerCase()), at === -1 ? undefined : String.fromCharCode(97 + at)];
    const found = both.filter((letter) => letter !== undefined);
    if (found.length === 0)
      notes.push(`keyword ${flag} cannot be kept: a Maildir folder has ${MAX_KEYWORDS}, each an IMAP atom`);
    for (const letter of found) letters.add(letter);
  }
  return { letters: [...letters].sort().join(''), notes };
}

/**
 * Makes room for the keywords among `flags` and tells all; some may not fit. Dovecot guards this file with
 * the lock of its list of UIDs.
 */
export async function withKeywords(
  folder: string,
  known: Keywords,
  flags: Iterable<string>,
  signal: AbortSignal,
): Promise<Keywords> {
  const wanted = [...new Set(flags)].filter((flag) => KEYWORD.test(flag));
  if (wanted.every((flag) => known.includes(flag))) return known;
  return onFiles(`writing keywords of ${folder}`, () =>
    withDotLock(join(folder, 'dovecot-uidlist.lock'), signal, async () => {
      const names = [...(await keywordsOf(folder))];
      for (const flag of wanted) {
        if (names.includes(flag)) continue;
        const free = Array.from({ length: MAX_KEYWORDS }, (_, at) => at).find((at) => names[at] === undefined);
        if (free === undefined) break;
        names[free] = flag;
      }
      const text = Array.from(names, (name, at) => (name === undefined ? '' : `${at} ${name}\n`)).join('');
      const made = join(folder, 'dovecot-keywords.tmp');
      const file = await open(made, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(made, join(folder, 'dovecot-keywords'));
      return names;
    }),
  );
}
