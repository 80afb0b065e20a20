/** What a source could not tell for certain of an item: said with it for good, whatever is said of its copy later. */

const SAID_BY = 'from the source: ';

export function saidBySource(notes: readonly string[]): string[] {
  return notes.map((note) => `${SAID_BY}${note}`);
}

/** The part of an item's reason that stays when flags change, or when its copy is proven. */
export function sourceNotesIn(reason: string | null): string[] {
  return reason === null ? [] : reason.split('; ').filter((part) => part.startsWith(SAID_BY));
}
