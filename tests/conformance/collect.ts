/** Short ways to drain a session, shared by the conformance suites. */
import type {
  Body,
  Container,
  ItemRef,
  JsonObject,
  Page,
  Refused,
  Source,
  Target,
  TargetContainer,
  Write,
  WriteAnswer,
  Written,
} from '../../connectors/contract.js';
import { compareKeys } from '../../connectors/kinds/key-order.js';
import type { Mail, MailMeta } from '../../connectors/kinds/mail.js';
import { digestMail } from '../../connectors/kinds/mail.js';

/** A signal that never fires. */
export const never = new AbortController().signal;

export async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const one of from) out.push(one);
  return out;
}

export async function entries<T>(from: AsyncIterable<Page<T>>): Promise<T[]> {
  return (await all(from)).flatMap((page) => [...page.entries]);
}

/** The container at `path`; an error naming what there is instead. */
export async function containerAt(source: Source<Mail>, path: readonly string[]): Promise<Container> {
  const there = await all(source.containers(never));
  const found = there.find((one) => JSON.stringify(one.path) === JSON.stringify(path));
  if (found) return found;
  throw new Error(`no container ${JSON.stringify(path)} among ${JSON.stringify(there.map((one) => one.path))}`);
}

export async function itemsAt(source: Source<Mail>, path: readonly string[]): Promise<ItemRef[]> {
  return (await listed(source, await containerAt(source, path))).items;
}

/** The same, each with its metadata: where the listing lacks it, the content has it. */
export async function toldAt(source: Source<Mail>, path: readonly string[]): Promise<ItemRef[]> {
  const container = await containerAt(source, path);
  const { items } = await listed(source, container);
  const untold = items.filter(({ meta }) => meta === undefined);
  const metas = new Map<string, JsonObject>();
  for await (const one of source.read(container, untold, never))
    if ('key' in one && one.meta) metas.set(one.key, one.meta);
  return items.map((item) => ({ ...item, ...(metas.has(item.key) && { meta: metas.get(item.key) as JsonObject }) }));
}

/** A whole listing, and the state it stands for. What comes in no order is sorted, and counts as it was named last. */
export async function listed(
  source: Source<unknown>,
  container: Container,
  after?: string,
): Promise<{ readonly items: ItemRef[]; readonly token: string | undefined }> {
  const pages = await all(source.list(container, after, never));
  const token = container.token ?? pages.at(-1)?.token;
  if (source.listing !== 'unordered') return { items: pages.flatMap((page) => [...page.entries]), token };
  const items = new Map<string, ItemRef>();
  for (const page of pages) {
    for (const item of page.entries) items.set(item.key, item);
    for (const key of page.gone ?? []) items.delete(key);
  }
  return { items: [...items.values()].sort((a, b) => compareKeys(a.key, b.key)), token };
}

export function bodyOf(answer: Body<Mail> | Refused | undefined): Buffer {
  if (answer && 'body' in answer) return answer.body;
  throw new Error(`no body: ${JSON.stringify(answer)}`);
}

export function flagsOf(item: { readonly meta?: unknown }): readonly string[] {
  return (item.meta as MailMeta).flags;
}

export function dateOf(item: { readonly meta?: unknown }): string | undefined {
  return (item.meta as MailMeta).date;
}

/** A create-write of a message, as the engine would make it. */
export function create(
  token: string,
  body: Buffer,
  meta: { flags?: readonly string[]; date?: string } = {},
): Write<Mail> {
  return {
    op: 'create',
    token,
    body,
    bytes: body.length,
    meta: { flags: [...(meta.flags ?? [])].sort(), ...(meta.date !== undefined && { date: meta.date }) },
    digest: digestMail(body),
  };
}

/** Applies writes and answers by token; an error when a write is answered twice or not at all. */
export async function apply(
  target: Target<Mail>,
  container: TargetContainer,
  writes: readonly Write<Mail>[],
): Promise<Map<string, WriteAnswer>> {
  const answers = new Map<string, WriteAnswer>();
  for await (const answer of target.write(container, writes, never)) {
    const token = 'refused' in answer ? answer.refused : 'conflicted' in answer ? answer.conflicted : answer.token;
    if (answers.has(token)) throw new Error(`write ${token} was answered twice`);
    if (!writes.some((write) => write.token === token)) throw new Error(`answer to ${token}, which nobody wrote`);
    answers.set(token, answer);
  }
  for (const write of writes) if (!answers.has(write.token)) throw new Error(`write ${write.token} was not answered`);
  return answers;
}

export function written(answers: Map<string, WriteAnswer>, token: string): Written {
  const answer = answers.get(token);
  if (answer && 'token' in answer) return answer;
  throw new Error(`write ${token} was not applied: ${JSON.stringify(answer)}`);
}

/** The reference of a create-write, located when the target did not tell it. */
export async function refOf(
  target: Target<Mail>,
  container: TargetContainer,
  answer: Written,
  digest: string,
  anchor: string,
): Promise<string> {
  if (answer.ref !== undefined) return answer.ref;
  for await (const found of target.locate(
    container,
    [{ token: answer.token, digest }],
    anchor,
    async () => new Set(),
    never,
  )) {
    if (found.found === 'landed') return found.ref;
  }
  throw new Error(`the write ${answer.token} was answered, but cannot be located`);
}
