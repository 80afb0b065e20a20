/** Times and foreign text as the report's page shows them. */
import { visibleText } from '../schemas/visible-text.js';

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
