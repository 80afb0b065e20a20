/** Dates as programs write them: in "From " lines, in Date headers, in several languages. */

const ENGLISH = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** By the first letters of a month, without accents: German, Dutch, French, Spanish, Italian, Portuguese, Nordic. */
const MONTHS: readonly (readonly [string, number])[] = [
  ...ENGLISH.map((name, month) => [name, month] as const),
  ['mai', 4],
  ['maj', 4],
  ['mag', 4],
  ['mei', 4],
  ['mrz', 2],
  ['maa', 2],
  ['mrt', 2],
  ['juin', 5],
  ['giu', 5],
  ['juil', 6],
  ['lug', 6],
  ['ene', 0],
  ['gen', 0],
  ['fev', 1],
  ['avr', 3],
  ['abr', 3],
  ['aou', 7],
  ['ago', 7],
  ['set', 8],
  ['okt', 9],
  ['out', 9],
  ['ott', 9],
  ['dez', 11],
  ['des', 11],
  ['dic', 11],
];

/** Minutes east of Greenwich. Letters that stand for several zones in the world (IST, AST) are left out. */
const ZONES: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  WET: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  CET: 60,
  MET: 60,
  MEZ: 60,
  WEST: 60,
  CEST: 120,
  MEST: 120,
  MESZ: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  AEST: 600,
  AEDT: 660,
};

const TIME = String.raw`(?<hour>\d{1,2}):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,]\d{1,9})?)?`;
const ZONE = String.raw`[+-]\d\d:?\d\d|[A-Za-z]{1,5}`;
const YEAR = String.raw`(?<year>\d{4}|\d{2,3})`;
const MONTH = String.raw`(?<month>\p{L}{3,10})\.?`;
const FORMS = [
  // Thu Aug  9 18:39:17 2012, with a zone before or behind the year
  `${MONTH},? (?<day>\\d{1,2})[.,]? ${TIME}(?: (?<before>${ZONE}))? ${YEAR}(?: (?<zone>${ZONE}))?`,
  // Thu, 9 Aug 2012 18:39:17 +0200
  `(?<day>\\d{1,2})[. -]{1,2}${MONTH}[, -]{1,2}${YEAR},? ${TIME}(?: ?(?<zone>${ZONE}))?`,
  // 2012-08-09 18:39:17
  `(?<year>\\d{4})-(?<number>\\d\\d)-(?<day>\\d\\d)[T ]${TIME}(?: ?(?<zone>${ZONE}))?`,
  // 09.08.2012 18:39:17
  `(?<day>\\d{1,2})\\.(?<number>\\d{1,2})\\.(?<year>\\d{4}),? ${TIME}(?: ?(?<zone>${ZONE}))?`,
].map((form) => new RegExp(`(?:^|[ ,])${form}$`, 'u'));

/** As nearly every program writes it. Each message is asked for its date several times, so that this way is short. */
const COMMON = new RegExp(
  ` (${ENGLISH.join('|')}) {1,2}(\\d{1,2}) (\\d\\d:[0-5]\\d:[0-5]\\d)(?: ([+-][01]\\d)([0-5]\\d))? (\\d{4})$`,
  'i',
);

function commonDate(text: string): string | undefined {
  const match = COMMON.exec(text.length > LONGEST ? text.slice(-LONGEST) : text);
  if (!match) return undefined;
  const [, month = '', day = '', time = '', hours = '+00', minutes = '00', year = ''] = match;
  // The last days of a month are looked at more closely.
  if (Number(day) < 1 || Number(day) > 28 || time > '24') return undefined;
  const number = String(ENGLISH.indexOf(month.toLowerCase()) + 1).padStart(2, '0');
  return `${year}-${number}-${day.padStart(2, '0')}T${time}${hours}:${minutes}`;
}

/** Enough for any date; so much is searched of a line that a stranger may have made long. */
const LONGEST = 100;

/**
 * The date at the end of `text` (bytes as latin1), to the second, with its zone: UTC where none is told, or one that
 * nobody knows. Undefined when there is no date, or none that exists.
 */
export function dateAtEnd(text: string): string | undefined {
  const common = commonDate(text);
  if (common !== undefined) return common;
  const end = decoded(text.slice(-4 * LONGEST))
    .replace(/\s+/g, ' ')
    .replace(/ remote from \S{1,80} ?$/, '')
    .replace(/ \([^()]{0,40}\) ?$/, '')
    .trim()
    .slice(-LONGEST);
  for (const form of FORMS) {
    const date = dateOf(form.exec(end)?.groups);
    if (date !== undefined) return date;
  }
  return undefined;
}

/** Of Date, or else of the last hop. */
export function dateOfHeader(header: string): string | undefined {
  for (const field of [/^date:(.*(?:\r?\n[ \t].*)*)/im, /^received:(.*(?:\r?\n[ \t].*)*)/im]) {
    const value = field.exec(header)?.[1];
    const date = value === undefined ? undefined : dateAtEnd(value.slice(value.lastIndexOf(';') + 1));
    if (date !== undefined && !date.startsWith('0')) return date;
  }
  return undefined;
}

function dateOf(parts: Record<string, string | undefined> | undefined): string | undefined {
  if (!parts) return undefined;
  const month = parts.month === undefined ? Number(parts.number) - 1 : monthOf(parts.month);
  if (month === undefined) return undefined;
  const two = (part: string | number) => String(part).padStart(2, '0');
  // A leap second has no place in a date; the one before it has.
  const second = parts.second === '60' ? '59' : (parts.second ?? '00');
  const day = `${yearOf(parts.year ?? '')}-${two(month + 1)}-${two(parts.day ?? '')}`;
  const local = `${day}T${two(parts.hour ?? '')}:${parts.minute}:${second}`;
  const date = `${local}${zoneOf(local, parts.zone, parts.before)}`;
  return Number.isNaN(Date.parse(date)) || !new Date(`${local}Z`).toISOString().startsWith(local) ? undefined : date;
}

function monthOf(name: string): number | undefined {
  const plain = name.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
  return MONTHS.find(([start]) => plain.startsWith(start))?.[1];
}

/** Two and three digits as RFC 5322, section 4.3, has them. */
function yearOf(digits: string): string {
  const year = Number(digits);
  const whole = digits.length === 4 ? year : digits.length === 2 && year < 50 ? 2000 + year : 1900 + year;
  return String(whole).padStart(4, '0');
}

function zoneOf(local: string, ...told: readonly (string | undefined)[]): string {
  const figures = told.find((one) => one !== undefined && /^[+-]/.test(one));
  if (figures !== undefined) return `${figures.slice(0, 3)}:${figures.slice(-2)}`;
  // Time zero stands for no date, wherever: moved by a zone it would be a date below zero, which servers refuse.
  if (local === '1970-01-01T00:00:00') return '+00:00';
  const minutes = told.map((one) => ZONES[one?.toUpperCase() ?? '']).find((one) => one !== undefined) ?? 0;
  const two = (part: number) => String(part).padStart(2, '0');
  const far = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(far / 60))}:${two(far % 60)}`;
}

/** Programs of today write UTF-8 into such lines, those of yesterday latin1. */
function decoded(latin1: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const text = Buffer.from(latin1, 'latin1').toString();
  return text.includes('\ufffd') ? latin1 : text;
}
