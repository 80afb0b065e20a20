import { describe, expect, it } from 'vitest';
import { event, oddEvents } from '../../../tests/conformance/odd-events.js';
import { digestCalendar } from '../../kinds/calendar.js';
import { invites, restoreScheduling, suppressScheduling } from './suppress-scheduling.js';

const invited = oddEvents['an organiser and attendees'] as Buffer;
const object = (...lines: string[]): Buffer =>
  Buffer.from(
    `${['BEGIN:VCALENDAR', 'BEGIN:VEVENT', 'UID:a', ...lines, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n')}\r\n`,
  );
const unfolded = (body: Buffer): string => body.toString().replaceAll('\r\n ', '');

describe('invites', () => {
  it('is true only for an entry with an organiser and attendees', () => {
    expect(invites(invited)).toBe(true);
    expect(invites(event(1))).toBe(false);
    expect(invites(object('ATTENDEE:mailto:a@b'))).toBe(false);
    expect(invites(object('organi', ' zer:mailto:a@b', 'attendee;cn=x:mailto:a@b'))).toBe(true);
    expect(invites(object('ORGANIZER:mailto:a@b', 'BEGIN:VALARM', 'ATTENDEE:mailto:c@d', 'END:VALARM'))).toBe(false);
  });
});

describe('quieted', () => {
  it('adds the parameter to the organiser and to each attendee, and changes nothing else by a byte', () => {
    const quiet = suppressScheduling(invited);
    expect(unfolded(quiet).match(/^(?:ORGANIZER|ATTENDEE);SCHEDULE-AGENT=CLIENT[;:]/gm)).toHaveLength(4);
    expect(unfolded(quiet).replaceAll(';SCHEDULE-AGENT=CLIENT', '')).toBe(unfolded(invited));
    expect(
      quiet
        .toString()
        .split('\r\n')
        .every((line) => Buffer.byteLength(line) <= 120),
    ).toBe(true);
    expect(digestCalendar(quiet)).toBe(digestCalendar(invited));
  });

  it('leaves what is quiet already, also by itself, and what invites nobody', () => {
    expect(suppressScheduling(suppressScheduling(invited))).toEqual(suppressScheduling(invited));
    const plain = event(1);
    expect(suppressScheduling(plain)).toBe(plain);
    const none = object('ORGANIZER;SCHEDULE-AGENT=NONE:mailto:a@b', 'ATTENDEE;SCHEDULE-AGENT="client":mailto:c@d');
    expect(suppressScheduling(none)).toBe(none);
  });

  it('overrules SERVER, and spares alarms', () => {
    const body = object(
      'ORGANIZER;SCHEDULE-AGENT=SERVER;CN=A:mailto:a@b',
      'ATTENDEE:mailto:c@d',
      'BEGIN:VALARM',
      'ATTENDEE:mailto:e@f',
      'END:VALARM',
    );
    expect(suppressScheduling(body)).toEqual(
      object(
        'ORGANIZER;SCHEDULE-AGENT=CLIENT;CN=A:mailto:a@b',
        'ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:c@d',
        'BEGIN:VALARM',
        'ATTENDEE:mailto:e@f',
        'END:VALARM',
      ),
    );
  });

  it('is undone byte for byte', () => {
    for (const body of [...Object.values(oddEvents), Buffer.from(invited.toString().replaceAll('\r\n', '\n'))])
      expect(restoreScheduling(suppressScheduling(body))).toEqual(body);
  });

  it('is undone where a server has moved and folded the parameter', () => {
    const moved = object(
      'ORGANIZER;CN="a;SCHEDULE-AGENT=CLIENT;b";SCHEDULE-',
      ' AGENT=CLIENT:mailto:a@b',
      'ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-AGENT=CLIENT;X=y:mailto:c@d',
    );
    const back = unfolded(restoreScheduling(moved));
    expect(back).toContain('ORGANIZER;CN="a;SCHEDULE-AGENT=CLIENT;b":mailto:a@b');
    expect(back).toContain('ATTENDEE;PARTSTAT=ACCEPTED;X=y:mailto:c@d');
  });
});
