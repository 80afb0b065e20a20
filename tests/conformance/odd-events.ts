/**
 * Calendar objects that real calendars hold and that tools have lost, shifted or refused. Names say what is odd;
 * those that begin with `broken` are not valid iCalendar, all others are. Each has its own UID, and CRLF line ends.
 */

const STAMP = 'DTSTAMP:20260105T080000Z';

const BERLIN = [
  'BEGIN:VTIMEZONE',
  'TZID:Europe/Berlin',
  'BEGIN:DAYLIGHT',
  'DTSTART:19810329T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'TZNAME:CEST',
  'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
  'END:DAYLIGHT',
  'BEGIN:STANDARD',
  'DTSTART:19961027T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'TZNAME:CET',
  'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
  'END:STANDARD',
  'END:VTIMEZONE',
];

/** A zone of nobody's but its own: quarter-hour offsets, and the change in May. */
const ISLAND = [
  'BEGIN:VTIMEZONE',
  'TZID:Company/Island',
  'BEGIN:STANDARD',
  'DTSTART:20000901T000000',
  'TZOFFSETFROM:+1345',
  'TZOFFSETTO:+1245',
  'TZNAME:IST',
  'RRULE:FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:20000501T000000',
  'TZOFFSETFROM:+1245',
  'TZOFFSETTO:+1345',
  'TZNAME:IDT',
  'RRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
];

/** Outlook's: a Windows name for the zone. */
const WINDOWS = [
  'BEGIN:VTIMEZONE',
  'TZID:W. Europe Standard Time',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
];

const joined = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`);

const wrapped = (lines: readonly string[]): Buffer =>
  joined(['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Example Corp//Odd Events 1//EN', ...lines, 'END:VCALENDAR']);

const component = (name: string, lines: readonly string[]): string[] => [`BEGIN:${name}`, ...lines, `END:${name}`];

/** One VEVENT of its own, with UID and DTSTAMP. */
const one = (uid: string, lines: readonly string[], zones: readonly string[] = []): Buffer =>
  wrapped([...zones, ...component('VEVENT', [`UID:${uid}`, STAMP, ...lines])]);

/** Folds at 75 octets, never inside a character (RFC 5545, 3.1). */
function folded(line: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const character of line) {
    if (Buffer.byteLength(current + character) > 75) {
      lines.push(current);
      current = ' ';
    }
    current += character;
  }
  return [...lines, current];
}

const INLINE_ATTACHMENT = Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 31) % 256)).toString('base64');

const pad = (n: number, digits: number): string => String(n).padStart(digits, '0');

/** A plain meeting of an hour in UTC; every number has its own UID, time and title. */
export function event(n: number): Buffer {
  const day = new Date(Date.UTC(2026, 0, 5) + (n % 700) * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  return one(`plain-${pad(n, 6)}@events.example`, [
    `DTSTART:${day}T${pad(7 + (n % 9), 2)}0000Z`,
    `DTEND:${day}T${pad(8 + (n % 9), 2)}0000Z`,
    `SUMMARY:Meeting ${n}`,
    `LOCATION:Room ${n % 17}`,
    `DESCRIPTION:Agenda of meeting ${n}\\, in short`,
  ]);
}

export const oddEvents: Record<string, Buffer> = {
  'an instant in UTC': one('utc@odd.example', [
    'DTSTART:20260301T090000Z',
    'DTEND:20260301T100000Z',
    'SUMMARY:Universal',
  ]),
  'floating time': one('floating@odd.example', [
    'DTSTART:20260301T090000',
    'DTEND:20260301T093000',
    'SUMMARY:Wherever you are',
  ]),
  'a whole day': one('allday@odd.example', [
    'DTSTART;VALUE=DATE:20260401',
    'DTEND;VALUE=DATE:20260402',
    'SUMMARY:All day',
    'TRANSP:TRANSPARENT',
  ]),
  'a whole day without an end': one('allday-noend@odd.example', [
    'DTSTART;VALUE=DATE:20260403',
    'SUMMARY:All day and no DTEND',
  ]),
  'several whole days over the change of time': one(
    'days-dst@odd.example',
    ['DTSTART;VALUE=DATE:20260328', 'DTEND;VALUE=DATE:20260331', 'SUMMARY:Weekend'],
    [],
  ),
  'a duration in place of an end': one(
    'duration@odd.example',
    ['DTSTART;TZID=Europe/Berlin:20260310T140000', 'DURATION:P1DT2H30M', 'SUMMARY:Long'],
    BERLIN,
  ),
  'an instant without end or duration': one('instant@odd.example', [
    'DTSTART:20260310T140000Z',
    'SUMMARY:Reminder only',
  ]),
  'a series in a zone with exceptions and additions': one(
    'series@odd.example',
    [
      'DTSTART;TZID=Europe/Berlin:20260302T093000',
      'DTEND;TZID=Europe/Berlin:20260302T094500',
      'RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261231T083000Z',
      'EXDATE;TZID=Europe/Berlin:20260306T093000,20260309T093000',
      'EXDATE;TZID=Europe/Berlin:20260401T093000',
      'RDATE;TZID=Europe/Berlin:20260307T110000',
      'RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260308T110000/PT2H',
      'SUMMARY:Stand-up',
    ],
    BERLIN,
  ),
  'a series in a zone with exceptions': one(
    'exceptions@odd.example',
    [
      'DTSTART;TZID=Europe/Berlin:20260302T093000',
      'DTEND;TZID=Europe/Berlin:20260302T094500',
      'RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261231T083000Z',
      'EXDATE;TZID=Europe/Berlin:20260306T093000,20260309T093000',
      'EXDATE;TZID=Europe/Berlin:20260401T093000',
      'RDATE;TZID=Europe/Berlin:20260307T110000',
      'SUMMARY:Stand-up without additions of another length',
    ],
    BERLIN,
  ),
  'a series with overrides': wrapped([
    ...BERLIN,
    ...component('VEVENT', [
      'UID:overrides@odd.example',
      STAMP,
      'DTSTART;TZID=Europe/Berlin:20260302T100000',
      'DTEND;TZID=Europe/Berlin:20260302T110000',
      'RRULE:FREQ=WEEKLY;COUNT=10',
      'EXDATE;TZID=Europe/Berlin:20260316T100000',
      'SUMMARY:Weekly',
      'SEQUENCE:3',
    ]),
    ...component('VEVENT', [
      'UID:overrides@odd.example',
      STAMP,
      'RECURRENCE-ID;TZID=Europe/Berlin:20260309T100000',
      'DTSTART;TZID=Europe/Berlin:20260310T150000',
      'DTEND;TZID=Europe/Berlin:20260310T160000',
      'SUMMARY:Weekly\\, moved to Tuesday',
      'SEQUENCE:4',
    ]),
    ...component('VEVENT', [
      'UID:overrides@odd.example',
      STAMP,
      'RECURRENCE-ID;TZID=Europe/Berlin:20260323T100000',
      'DTSTART;TZID=Europe/Berlin:20260323T100000',
      'DTEND;TZID=Europe/Berlin:20260323T110000',
      'SUMMARY:Weekly',
      'STATUS:CANCELLED',
      'SEQUENCE:5',
    ]),
  ]),
  'an override for this and all later ones': wrapped([
    ...component('VEVENT', [
      'UID:thisandfuture@odd.example',
      STAMP,
      'DTSTART:20260302T100000Z',
      'DURATION:PT30M',
      'RRULE:FREQ=DAILY;COUNT=20',
      'SUMMARY:Daily',
    ]),
    ...component('VEVENT', [
      'UID:thisandfuture@odd.example',
      STAMP,
      'RECURRENCE-ID;RANGE=THISANDFUTURE:20260310T100000Z',
      'DTSTART:20260310T120000Z',
      'DURATION:PT30M',
      'SUMMARY:Daily\\, later',
    ]),
  ]),
  'an override without its series': one('orphan@odd.example', [
    'RECURRENCE-ID:20260309T100000Z',
    'DTSTART:20260309T150000Z',
    'DTEND:20260309T160000Z',
    'SUMMARY:Invited to one of many',
  ]),
  'a whole-day series with dates left out': one('allday-series@odd.example', [
    'DTSTART;VALUE=DATE:20240229',
    'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1',
    'EXDATE;VALUE=DATE:20250228',
    'SUMMARY:Last day of February',
  ]),
  'a rule with several parts': one('bysetpos@odd.example', [
    'DTSTART:20260130T160000Z',
    'DTEND:20260130T163000Z',
    'RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;WKST=SU',
    'SUMMARY:Last working day of every other month',
  ]),
  'a zone of its own': one(
    'custom-zone@odd.example',
    [
      'DTSTART;TZID=Company/Island:20260429T230000',
      'DTEND;TZID=Company/Island:20260430T003000',
      'RRULE:FREQ=DAILY;COUNT=5',
      'SUMMARY:Across the change of time',
    ],
    ISLAND,
  ),
  'a zone with a Windows name': one(
    'windows-zone@odd.example',
    [
      'DTSTART;TZID="W. Europe Standard Time":20260329T013000',
      'DTEND;TZID="W. Europe Standard Time":20260329T033000',
      'SUMMARY:From Outlook',
      'X-MICROSOFT-CDO-BUSYSTATUS:BUSY',
      'X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY',
    ],
    WINDOWS,
  ),
  'two zones in one event': one(
    'two-zones@odd.example',
    [
      'DTSTART;TZID=Europe/Berlin:20260429T083000',
      'DTEND;TZID=Company/Island:20260429T230000',
      'SUMMARY:A flight to the island',
    ],
    [...BERLIN, ...ISLAND],
  ),
  'a to-do': wrapped(
    component('VTODO', [
      'UID:todo@odd.example',
      STAMP,
      'DTSTART:20260301T090000Z',
      'DUE:20260305T170000Z',
      'SUMMARY:File the return',
      'PRIORITY:1',
      'PERCENT-COMPLETE:40',
      'STATUS:IN-PROCESS',
      'CATEGORIES:Tax,Office',
      'RELATED-TO;RELTYPE=PARENT:todo-parent@odd.example',
    ]),
  ),
  'a finished to-do': wrapped(
    component('VTODO', [
      'UID:todo-done@odd.example',
      STAMP,
      'SUMMARY:Done',
      'COMPLETED:20260110T101112Z',
      'PERCENT-COMPLETE:100',
      'STATUS:COMPLETED',
    ]),
  ),
  'a to-do without any date': wrapped(
    component('VTODO', ['UID:todo-bare@odd.example', STAMP, 'SUMMARY:Some day', 'X-APPLE-SORT-ORDER:612345678']),
  ),
  'a journal entry': wrapped(
    component('VJOURNAL', [
      'UID:journal@odd.example',
      STAMP,
      'DTSTART;VALUE=DATE:20260215',
      'SUMMARY:Minutes',
      'DESCRIPTION:First paragraph.\\n\\nSecond\\; with a semicolon\\, a comma and a \\\\backslash.',
    ]),
  ),
  'alarms of all sorts': one('alarms@odd.example', [
    'DTSTART:20260601T120000Z',
    'DTEND:20260601T130000Z',
    'SUMMARY:Alarming',
    ...component('VALARM', ['ACTION:DISPLAY', 'TRIGGER:-PT15M', 'DESCRIPTION:In a quarter of an hour']),
    ...component('VALARM', [
      'ACTION:AUDIO',
      'TRIGGER;RELATED=END:PT0S',
      'REPEAT:4',
      'DURATION:PT5M',
      'ATTACH;FMTTYPE=audio/basic:https://sounds.example/bell.aud',
    ]),
    ...component('VALARM', [
      'ACTION:EMAIL',
      'TRIGGER;VALUE=DATE-TIME:20260531T080000Z',
      'SUMMARY:Tomorrow',
      'DESCRIPTION:Bring the papers',
      'ATTENDEE:mailto:anna@odd.example',
    ]),
    ...component('VALARM', [
      'UID:alarm-4@odd.example',
      'X-WR-ALARMUID:alarm-4@odd.example',
      'ACTION:DISPLAY',
      'TRIGGER:-P1D',
      'ACKNOWLEDGED:20260531T120500Z',
      'DESCRIPTION:Seen',
    ]),
  ]),
  'an organiser and attendees': one('invited@odd.example', [
    'DTSTART:20260701T080000Z',
    'DTEND:20260701T090000Z',
    'SUMMARY:Review',
    'ORGANIZER;CN="Anna, Head of Sales":mailto:anna@odd.example',
    'ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:anna@odd.example',
    'ATTENDEE;CN="Bo; the other";CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RS',
    ' VP=TRUE:mailto:Bo@Odd.Example',
    'ATTENDEE;CUTYPE=ROOM;CN=Room 4;MEMBER="mailto:rooms@odd.example","mailto:house@odd.example":mailto:room4@odd.example',
    'SEQUENCE:2',
  ]),
  'attachments linked and inline': one('attached@odd.example', [
    'DTSTART:20260801T080000Z',
    'DTEND:20260801T090000Z',
    'SUMMARY:With papers',
    'ATTACH;FMTTYPE=application/pdf:https://files.example/agenda.pdf?a=1;b=2',
    ...folded(
      `ATTACH;FMTTYPE=application/octet-stream;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=table.bin:${INLINE_ATTACHMENT}`,
    ),
  ]),
  'names with X': one('x-props@odd.example', [
    'DTSTART:20260802T080000Z',
    'DTEND:20260802T090000Z',
    'SUMMARY:Extended',
    'X-EMPTY:',
    'X-COLOUR;X-PARAM=one;X-LIST=a,b,"c,d":teal',
    'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="1 Main Street\\nTown";X-APPLE-RADIUS=70;X-TITLE=Office:geo:52.52,13.405',
    'X-ALT-DESC;FMTTYPE=text/html:<html><body>Rich &amp\\; bold</body></html>',
    'X-MOZ-GENERATION:7',
  ]),
  'other scripts and a folded letter': one('scripts@odd.example', [
    'DTSTART:20260803T080000Z',
    'DTEND:20260803T090000Z',
    ...folded(
      'SUMMARY:Größe\\, 会議の議題\\, موعد\\, 👩‍👩‍👧 and an e\u0301 in two parts; the line is long enough to be folded',
    ),
    ...folded(`DESCRIPTION:${'Ünïcödé — 日本語 '.repeat(30)}`),
    'LOCATION;LANGUAGE=fr:Salle n° 5',
  ]),
  'everything escaped': one('escapes@odd.example', [
    'DTSTART:20260804T080000Z',
    'DTEND:20260804T090000Z',
    'SUMMARY:a\\, b\\; c \\\\ d\\ne: "quoted" f',
    'DESCRIPTION:\\\\n is not a line end\\, but this is:\\n<- here\\nand\there is a tab',
    'CATEGORIES:One\\, indeed,Two,Three',
    'COMMENT;ALTREP="cid:part1@odd.example":A caret ^ and ^n in a value',
    'CONTACT;X-SAYS="with ^\'quotes^\' and ^n a line":Somebody',
  ]),
  'line ends and commas escaped': one('commas@odd.example', [
    'DTSTART:20260804T110000Z',
    'DTEND:20260804T120000Z',
    'SUMMARY:a\\, b\\; c: "quoted" d',
    'DESCRIPTION:one\\ntwo\\Nthree\\n\\nfour\\, with\ta tab',
    'CATEGORIES:One,Two',
    'LOCATION;LANGUAGE=en:Room 4\\, House 2\\; rear',
  ]),
  'lines folded with tabs and in odd places': one('folds@odd.example', [
    'DTSTART:2026080',
    ' 5T080000Z',
    'DTEND:20260805T090000Z',
    'SUMM',
    ' ARY:Folded in the name',
    'DESCRIPTION:Folded',
    '\t with a tab\\',
    ' n and within an escape',
  ]),
  // RFC 5545, 3.1 warns of it: the line is folded between the two bytes of an ö.
  'a letter folded between its bytes': Buffer.from(
    one('bytes@odd.example', [
      'DTSTART:20260805T100000Z',
      'DTEND:20260805T110000Z',
      'SUMMARY:K\u00c3',
      ' \u00b6ln',
    ]).toString(),
    'latin1',
  ),
  'names in lower case': wrapped([
    'begin:vevent',
    'uid:lower@odd.example',
    'dtstamp:20260105T080000Z',
    'dtstart;value=date:20260806',
    'dtend;value=date:20260807',
    'summary:Small letters',
    'end:vevent',
  ]),
  'the same property several times': one('repeated@odd.example', [
    'DTSTART:20260807T080000Z',
    'DTEND:20260807T090000Z',
    'SUMMARY:Repeats',
    'COMMENT:one',
    'COMMENT:one',
    'COMMENT:two',
    'CATEGORIES:A,B',
    'CATEGORIES:C',
    'RESOURCES:Projector,Screen',
  ]),
  'place and colour by number': one('geo@odd.example', [
    'DTSTART:20260808T080000Z',
    'DTEND:20260808T090000Z',
    'SUMMARY:Somewhere',
    'GEO:48.85299;2.36885',
    'COLOR:mediumslateblue',
    'CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Join:https://meet.example/abc?pwd=1&x=2',
    'CLASS:CONFIDENTIAL',
    'URL:https://intranet.example/~anna/seite?q=ä',
  ]),
  'a UID with odd characters': one("{Odd/UID}:with spaces & 'quotes' + 100% ä#?", [
    'DTSTART:20260809T080000Z',
    'DTEND:20260809T090000Z',
    'SUMMARY:Hard to name a file after',
  ]),
  'a very long UID': one(`${'long-'.repeat(60)}@odd.example`, [
    'DTSTART:20260810T080000Z',
    'DTEND:20260810T090000Z',
    'SUMMARY:Three hundred characters',
  ]),
  'before 1970 and far ahead': one('years@odd.example', [
    'DTSTART;VALUE=DATE:19040229',
    'RRULE:FREQ=YEARLY;UNTIL=20991231',
    'SUMMARY:Founder’s birthday',
  ]),
  'a title of one blank and empty texts': one('blank@odd.example', [
    'DTSTART:20260811T080000Z',
    'DTEND:20260811T090000Z',
    'SUMMARY: ',
    'DESCRIPTION:',
    'LOCATION:',
  ]),
  'properties of the whole calendar': joined([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Other Corp//Client 9//DE',
    'CALSCALE:GREGORIAN',
    'X-WR-CALNAME:Team',
    'X-WR-TIMEZONE:Europe/Berlin',
    ...component('VEVENT', [
      'UID:wrapper@odd.example',
      STAMP,
      'CREATED:20250101T000000Z',
      'LAST-MODIFIED:20260104T000000Z',
      'DTSTART:20260812T080000Z',
      'DTEND:20260812T090000Z',
      'SUMMARY:In a wrapper with names',
    ]),
    'END:VCALENDAR',
  ]),
  'a component nobody knows': wrapped(
    component('VEVENT', [
      'UID:nested@odd.example',
      STAMP,
      'DTSTART:20260813T080000Z',
      'DTEND:20260813T090000Z',
      'SUMMARY:Structured',
      ...component('PARTICIPANT', [
        'UID:participant-1@odd.example',
        'PARTICIPANT-TYPE:SPEAKER',
        ...component('VLOCATION', ['UID:location-1@odd.example', 'NAME:Main hall']),
      ]),
    ]),
  ),
  'broken: line feeds only': Buffer.from(
    one('lf@odd.example', ['DTSTART:20260814T080000Z', 'DTEND:20260814T090000Z', 'SUMMARY:From Unix'])
      .toString()
      .replaceAll('\r\n', '\n'),
  ),
  'broken: an end before its start': one('backwards@odd.example', [
    'DTSTART:20260815T090000Z',
    'DTEND:20260815T080000Z',
    'SUMMARY:Back in time',
  ]),
};
