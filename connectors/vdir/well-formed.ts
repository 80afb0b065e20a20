/** Whether the file of an item holds one whole item. */
import { byteText } from '../formats/icalendar/lines.js';
import { splitCalendar } from '../formats/icalendar/split.js';
import { splitCards } from '../formats/vcard/split.js';
import type { Suffix } from '../local/item-files.js';

/** Why the file is not to be read as an item, with what to do; no content. What is inside is for the kind to judge. */
export async function fileProblem(body: Buffer, suffix: Suffix): Promise<string | undefined> {
  if (body.length === 0) return 'the file is empty; restore it, or remove it';
  const end = suffix === '.ics' ? 'END:VCALENDAR' : 'END:VCARD';
  if (!new RegExp(`^${end}[ \\t\\r]*$`, 'im').test(byteText(body)))
    return `the file is torn, it has no ${end}; restore it, or wait until the program that writes it is done`;
  if (await hasSeveralItems([body], suffix))
    return 'the file holds several items; give each a file of its own, or name this file as the `path` of a source';
  return undefined;
}

/** Whether there are two items or more. Reads no further than that takes. */
export async function hasSeveralItems(
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  suffix: Suffix,
): Promise<boolean> {
  const seen = new Set<string>();
  for await (const uid of itemsOf(streamed(chunks), suffix)) {
    seen.add(uid);
    if (seen.size > 1) return true;
  }
  return false;
}

/** What lies between items is none. */
const BEGINS = /^BEGIN:/im;

/** A name for each item, the same for the parts of a series. */
async function* itemsOf(chunks: AsyncIterable<Buffer>, suffix: Suffix): AsyncGenerator<string> {
  if (suffix === '.ics') {
    for await (const { uid, body, problem } of splitCalendar(chunks))
      if (problem !== undefined || BEGINS.test(byteText(body))) yield uid;
    return;
  }
  let cards = 0;
  for await (const body of splitCards(chunks))
    if (typeof body === 'string' || BEGINS.test(byteText(body))) yield String(cards++);
}

async function* streamed(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}
