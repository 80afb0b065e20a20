/**
 * Makes a server look like one that schedules (RFC 6638), and notes what such a server would mail: written from the RFC,
 * without our own code for it. SOGo itself is in tests/faults/sogo.test.ts.
 */
import type { Behind, DavAsked, DavReply, Rule } from './dav-proxy.js';

export interface SchedulingWitness {
  readonly rules: readonly Rule[];
  /** One line for each message: what for, and the UID of the event. */
  readonly mailed: readonly string[];
}

/**
 * `schedule-agent`: obeys SCHEDULE-AGENT (RFC 6638, 7.1). `draft`: says that it schedules by an older draft, and obeys
 * nothing.
 */
export function witnessScheduling(obeys: 'schedule-agent' | 'draft'): SchedulingWitness {
  const mailed: string[] = [];
  const before = new WeakMap<DavAsked, string>();
  const stored = async ({ path, headers }: DavAsked, behind: Behind): Promise<string> => {
    const { authorization = '' } = headers;
    const { status, body } = await behind({ method: 'GET', path, headers: { authorization }, body: Buffer.alloc(0) });
    return status === 200 ? unfolded(body) : '';
  };
  const mails = (event: string): boolean =>
    invitesSomebody(event) && isAhead(event) && !(obeys === 'schedule-agent' && isClientsOwn(event));
  const note = (why: string, event: string): void =>
    void mailed.push(`${why} ${/^UID:(.*)$/m.exec(event)?.[1] ?? 'of no UID'}`);
  const classes = obeys === 'draft' ? ', calendar-schedule' : ', calendar-schedule, calendar-auto-schedule';
  return {
    mailed,
    rules: [
      {
        answer: (answer) =>
          answer.headers.dav === undefined
            ? answer
            : { ...answer, headers: { ...answer.headers, dav: `${answer.headers.dav}${classes}` } },
      },
      {
        when: ({ method, path }) => ['PUT', 'DELETE'].includes(method) && !path.endsWith('/'),
        meanwhile: async (asked, behind) => void before.set(asked, await stored(asked, behind)),
        answer(answer: DavReply, asked) {
          if (answer.status >= 300) return answer;
          const old = before.get(asked) ?? '';
          const now = asked.method === 'PUT' ? unfolded(asked.body) : '';
          if (mails(now)) note(mails(old) ? 'update' : 'invitation', now);
          // RFC 6638, 3.2.1: leaving it to the client, or removing it, cancels what the server has sent.
          else if (mails(old)) note('cancellation', old);
          return answer;
        },
      },
      {
        // Several events at once are stored by Radicale alone; a server that schedules would look into each.
        when: ({ method, path }) => method === 'PUT' && path.endsWith('/'),
        answer(answer, asked) {
          if (answer.status >= 300) return answer;
          const events = unfolded(asked.body).match(/^BEGIN:VEVENT$[\s\S]*?^END:VEVENT$/gm) ?? [];
          for (const event of events) if (mails(event)) note('invitation', event);
          return answer;
        },
      },
    ],
  };
}

function unfolded(body: Buffer): string {
  return body
    .toString()
    .replace(/\r\n/g, '\n')
    .replace(/\n[ \t]/g, '');
}

function invitesSomebody(event: string): boolean {
  return /^ORGANIZER[;:]/m.test(event) && /^ATTENDEE[;:]/m.test(event);
}

/** Every address is the client's own business. */
function isClientsOwn(event: string): boolean {
  const addresses = event.match(/^(?:ORGANIZER|ATTENDEE)[;:].*$/gm) ?? [];
  return addresses.every((line) => /;SCHEDULE-AGENT="?(?:CLIENT|NONE)"?[;:]/i.test(line));
}

/** It begins in the future, or goes on. */
function isAhead(event: string): boolean {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const starts = [...event.matchAll(/^(?:DTSTART|RDATE)[^:\n]*:(\d{8})/gm)].some(([, day]) => (day as string) >= today);
  const rule = /^RRULE:(.*)$/m.exec(event)?.[1];
  const until = rule && /UNTIL=(\d{8})/.exec(rule)?.[1];
  return starts || (rule !== undefined && (until === undefined || until >= today));
}
