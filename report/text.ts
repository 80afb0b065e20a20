/** Times and foreign text as the report's page shows them. */

import type { Gate, UnitState } from '../words/units.js';
import { visibleText } from '../words/visible-text.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text of others inside HTML. What is not seen, or turns the direction of reading, is made visible. */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

/** Why a run was made: `apply`, `schedule nightly`. */
export const reasonWords = (run: { readonly reason: string; readonly schedule: string | null }): string =>
  run.schedule === null ? run.reason : `${run.reason} ${run.schedule}`;

/** In UTC, because the report is read elsewhere than it was written. */
export const time = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** A moment that numbers are of: to the minute. */
export const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Where an account stands: `waits for credentials`, `failed`. */
export function stateWords(state: UnitState, gate: Gate | null, many = false): string {
  switch (state) {
    case 'parked':
      return `${many ? 'wait' : 'waits'} for ${gate ?? 'a gate'}`;
    case 'waiting':
      return many ? 'have not begun' : 'has not begun';
    case 'running':
      return many ? 'are at work' : 'is at work';
    case 'cancelled':
      return many ? 'were stopped' : 'was stopped';
    case 'failed':
    case 'done':
      return state;
    default:
      return state satisfies never;
  }
}

/** A name among other words: it turns no direction of reading but its own. */
const named = (name: string): string => `<bdi>${escapeHtml(name)}</bdi>`;

/** `anna@old.example`, or `anna@old.example → anna@new.example`. */
export const accountName = ({ from, to }: { readonly from: string; readonly to: string }): string =>
  from === to ? named(from) : `${named(from)} → ${named(to)}`;

/** A container as people read it; that of a whole tree has no name of its own. */
export const pathWords = (path: readonly string[]): string => path.map(named).join(' / ') || '/';

/** What to do, with its command as one reads commands: in backticks, or the rest of the sentence from `migrate` on. */
export function nextWords(next: string): string {
  const html = escapeHtml(next);
  return html.includes('`')
    ? html.replace(/`([^`]*)`/g, '<code>$1</code>')
    : html.replace(/: (migrate [a-z]+ .*)$/s, ': <code>$1</code>');
}
