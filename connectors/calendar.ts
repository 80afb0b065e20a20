/** The standard form of kind `calendar` between source and target, and the one definition of equality. */
import { createHash } from 'node:crypto';
import type { Digest } from './contract.js';

/** One iCalendar object (RFC 5545): a series with its overrides, one UID, the time zones it uses. */
export type Calendar = Buffer;

export function digestCalendar(body: Calendar): Digest {
  return createHash('sha256').update(body).digest('hex');
}

export function calendarIdentities(body: Calendar, by: readonly string[]): string[] {
  const uid = /^UID:(.*?)\r?$/m.exec(body.toString())?.[1];
  return uid === undefined || !by.includes('uid') ? [] : [`uid:${uid}`];
}

export function calendarModified(body: Calendar): number | undefined {
  const text = /^LAST-MODIFIED:(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/m.exec(body.toString());
  return text ? Date.UTC(+text[1]!, +text[2]! - 1, +text[3]!, +text[4]!, +text[5]!, +text[6]!) : undefined;
}

export function calendarRank(_body: Calendar, _account: string): number {
  return 0;
}

export function renewedCalendar(body: Calendar): Calendar {
  const uid = digestCalendar(body).slice(0, 32);
  return Buffer.from(body.toString().replace(/^UID:.*?(\r?)$/gm, `UID:${uid}$1`));
}
