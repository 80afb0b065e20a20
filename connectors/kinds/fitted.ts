/** Several steps into a form that a target can hold. */
import type { Fitted } from '../contract.js';

/** What a further step makes of a fitted body; its remarks come behind those of the steps before. */
export function thenFit<B>(held: Fitted<B>, step: (body: B) => Fitted<B>): Fitted<B> {
  const next = step(held.body);
  const notes = [...(held.notes ?? []), ...(next.notes ?? [])];
  return { body: next.body, ...(notes.length > 0 && { notes }) };
}
