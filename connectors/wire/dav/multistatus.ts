/** Answers about many resources at once (RFC 4918, section 13). */
import { Fault } from '../../errors.js';
import type { Element, Name } from './xml.js';
import { child, childrenOf, textIn } from './xml.js';

/** What the server says of one resource. */
export interface Resource {
  /** As the server wrote it. */
  readonly href: string;
  /** Of the whole resource, where it is not told property by property. */
  readonly status?: number;
  /** The properties it has. */
  readonly props: ReadonlyMap<Name, Element>;
  /** How many properties it has not, or were not set. */
  readonly failed: number;
  /** A precondition that failed, e.g. `D:number-of-matches-within-limits`. */
  readonly error?: Name;
  /** The server's words about it, all of them: whoever repeats them cleans them (redact-server-text.ts). */
  readonly words?: string;
}

/** A member of a multi-status answer: a resource, or the token that follows the last one (RFC 6578). */
export type Member = { readonly resource: Resource } | { readonly syncToken: string };

/** `lenient`: for answers without content of items (xml.ts). */
export async function* readMultistatus(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  lenient = false,
): AsyncGenerator<Member> {
  const expect = (name: Name): void => {
    if (name === 'D:multistatus') return;
    throw new Fault('unavailable', `${where}: the answer is a <${name}>, not a multi-status`, {
      next: 'check that the URL is one of a CalDAV, CardDAV or WebDAV server, and not of its web pages',
    });
  };
  for await (const element of childrenOf(chunks, where, expect, lenient)) {
    if (element.name === 'D:sync-token') yield { syncToken: element.text.trim() };
    if (element.name !== 'D:response') continue;
    // RFC 4918 allows several hrefs where a status speaks of all of them.
    const hrefs = element.children.filter((one) => one.name === 'D:href').map((one) => one.text.trim());
    const status = statusOf(textIn(element, 'D:status'));
    const error = child(element, 'D:error')?.children[0]?.name;
    const words = textIn(element, 'D:responsedescription');
    const props = new Map<Name, Element>();
    let failed = 0;
    for (const propstat of element.children.filter((one) => one.name === 'D:propstat')) {
      const told = statusOf(textIn(propstat, 'D:status')) ?? 200;
      const named = child(propstat, 'D:prop')?.children ?? [];
      if (told < 200 || told > 299) failed += named.length;
      else for (const prop of named) props.set(prop.name, prop);
    }
    for (const href of hrefs) {
      yield {
        resource: {
          href,
          props,
          failed,
          ...(status !== undefined && { status }),
          ...(error !== undefined && { error }),
          ...(words !== undefined && { words }),
        },
      };
    }
  }
}

/** `HTTP/1.1 404 Not Found` as 404. */
function statusOf(line: string | undefined): number | undefined {
  const code = /^HTTP\/\S+\s+(\d{3})/.exec(line ?? '')?.[1];
  return code === undefined ? undefined : Number(code);
}
