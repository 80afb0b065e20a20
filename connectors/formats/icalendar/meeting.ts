/**
 * What servers rewrite in meetings and nobody would miss. SOGo takes the organiser's own line out of the attendees, asks
 * all others for an answer, and calls the organiser as its directory does.
 */
import type { ContentLine } from './lines.js';
import type { Component } from './tree.js';
import { lineOf } from './tree.js';

/** The line by which the organiser attends the own meeting: it says little that ORGANIZER does not. */
export function isOrganisersOwn(line: ContentLine, component: Component): boolean {
  if (line.name !== 'ATTENDEE') return false;
  const organizer = lineOf(component, 'ORGANIZER');
  return organizer !== undefined && addressOf(organizer) === addressOf(line);
}

/** A parameter of a meeting's addresses that does not belong to what was agreed. */
export function isSetByServers(line: ContentLine, param: string): boolean {
  return (line.name === 'ATTENDEE' && param === 'RSVP') || (line.name === 'ORGANIZER' && param === 'CN');
}

function addressOf({ value }: ContentLine): string {
  return value
    .trim()
    .toLowerCase()
    .replace(/^mailto:/, '');
}
