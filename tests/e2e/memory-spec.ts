/** Specs that move mail between two memory systems of their own. */
import { randomUUID } from 'node:crypto';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { memoryStore } from '../../connectors/memory/store.js';
import type { Spec } from '../../schemas/spec.js';

const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\n\r\nbody ${n}\r\n`);

export function memorySpec(people: readonly string[], selection: Partial<Spec['selections'][number]> = {}): Spec {
  const id = randomUUID().slice(0, 8);
  return {
    version: 1,
    name: `move-${id}`,
    sources: { old: { type: 'memory', options: { name: `${id}-source` } } },
    targets: { new: { type: 'memory', options: { name: `${id}-target` } } },
    selections: [
      {
        name: 'mail',
        kind: 'mail',
        from: 'old',
        to: 'new',
        accounts: people.map((person) => ({ from: person, to: person })),
        ...selection,
      },
    ],
  };
}

export const sourceOf = (spec: Spec): MemoryStore => memoryStore(spec.sources.old?.options.name as string);
export const targetOf = (spec: Spec): MemoryStore => memoryStore(spec.targets.new?.options.name as string);

/** Puts so many messages into each person's inbox, numbered from `first`. */
export function fill(spec: Spec, people: readonly string[], count: number, first = 0): void {
  for (const person of people)
    for (let n = first; n < first + count; n++)
      sourceOf(spec)
        .account(person)
        .put(['INBOX'], { bytes: message(n) });
}

/** Each write takes so long, in milliseconds. */
export function slowly(spec: Spec, ms: number): void {
  targetOf(spec).fault = async ({ op, when }) => {
    if (op === 'create' && when === 'before') await new Promise((go) => setTimeout(go, ms));
  };
}

/** How often each message lies in a person's inbox in the target: everything once is `[1]`. */
export function copiesOf(spec: Spec, person: string): { readonly messages: number; readonly most: number } {
  const copies = new Map<string, number>();
  for (const { bytes } of targetOf(spec).account(person).folder(['INBOX']).messages.values())
    copies.set(bytes.toString(), (copies.get(bytes.toString()) ?? 0) + 1);
  return { messages: copies.size, most: Math.max(0, ...copies.values()) };
}
