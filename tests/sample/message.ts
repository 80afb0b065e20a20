/** One realistic message. Most are well formed; a known share is not, as in real mailboxes. */
import type { Random } from './random.js';

const WORDS =
  'the order of report meeting project please find attached invoice regards thanks tomorrow release plan offer draft review customer budget question answer server update contract delivery team schedule travel hotel notes minutes action item deadline change request approval Grüße Rechnung Übergabe café résumé naïve año niño слово 日本語 price € 100'.split(
    ' ',
  );
const PEOPLE = [
  'anna',
  'bob',
  'carla',
  'dmitri',
  'eve',
  'frank',
  'grace',
  'hiro',
  'ines',
  'jörg',
  'newsletter',
  'no-reply',
];
const DOMAINS = ['old.example', 'mail.example', 'shop.example', 'lists.example', 'example.org'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** What real mailboxes hold beside well-formed mail, each with its share of all messages. */
const ODDITIES = [
  ['eightBitHeader', 0.02],
  ['brokenHeader', 0.01],
  ['bareLineFeeds', 0.01],
  ['nul', 0.004],
  ['noMessageId', 0.03],
  ['longLine', 0.006],
  ['fromLines', 0.02],
  ['noFinalLineEnd', 0.01],
  ['eightBitBody', 0.03],
] as const;
export type Oddity = (typeof ODDITIES)[number][0];

export function oddityOf(random: Random): Oddity | undefined {
  let at = random.next();
  for (const [oddity, share] of ODDITIES) {
    at -= share;
    if (at < 0) return oddity;
  }
  return undefined;
}

export interface Wanted {
  readonly bytes: number;
  readonly date: Date;
  readonly messageId: string;
  readonly oddity: Oddity | undefined;
}

/** A message of about `bytes` bytes, never fewer than its headers take. */
export function makeMessage(random: Random, { bytes, date, messageId, oddity }: Wanted): Buffer {
  const headers = headerLines(random, date, messageId, oddity);
  const rest = Math.max(40, bytes - headers.join('\r\n').length - 200);
  const charset = oddity === 'eightBitBody' || oddity === 'eightBitHeader' ? 'latin1' : 'utf8';
  const body =
    rest > 20_000 || random.chance(0.15) ? multipart(random, rest, headers) : plainText(random, rest, headers, oddity);
  let message = Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`, charset);
  if (oddity === 'bareLineFeeds') message = Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  if (oddity === 'noFinalLineEnd') message = message.subarray(0, message.length - 2);
  if (oddity === 'nul') message[message.length - 10] = 0;
  return message;
}

function headerLines(random: Random, date: Date, messageId: string, oddity: Oddity | undefined): string[] {
  const [from, to] = [address(random, oddity), address(random, undefined)];
  const subject = sentence(random, 2 + random.below(7));
  const written =
    oddity === 'eightBitHeader' ? `Grüße: ${subject.replace(/[^\u0020-\u00ff]/g, '?')}` : encodedWord(subject);
  const lines = [
    `Return-Path: <bounce-${random.below(1e6)}@${random.pick(DOMAINS)}>`,
    `Received: from mx${random.below(9)}.example (mx.example [192.0.2.${random.below(255)}])\r\n\tby mail.old.example with ESMTPS id ${random.below(1e9).toString(36)};\r\n\t${rfc5322(date)}`,
    `Date: ${rfc5322(date)}`,
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${written}`,
  ];
  if (oddity !== 'noMessageId') lines.push(`Message-ID: ${messageId}`);
  if (random.chance(0.3))
    lines.push(
      `References: ${`<${random.below(1e9)}@old.example>\r\n `.repeat(random.below(6))}<${random.below(1e9)}@old.example>`,
    );
  if (oddity === 'brokenHeader')
    lines.push('this line is no header at all', ': neither is this', 'Content Type: text/plain');
  lines.push('MIME-Version: 1.0');
  return lines;
}

function plainText(random: Random, bytes: number, headers: string[], oddity: Oddity | undefined): string {
  headers.push(
    `Content-Type: text/plain; charset=${oddity === 'eightBitBody' ? 'iso-8859-1' : 'utf-8'}`,
    'Content-Transfer-Encoding: 8bit',
  );
  let text = prose(random, bytes);
  if (oddity === 'longLine') text += `${'x'.repeat(12_000 + random.below(20_000))}\r\n`;
  if (oddity === 'fromLines')
    text += `\r\nFrom here on it is easy.\r\n\r\nFrom anna@old.example ${asctime(new Date(0))}\r\n>From the archive\r\n`;
  return text;
}

function multipart(random: Random, bytes: number, headers: string[]): string {
  const boundary = `=_${random.below(2 ** 31).toString(16)}${random.below(2 ** 31).toString(16)}`;
  headers.push(`Content-Type: multipart/mixed;\r\n boundary="${boundary}"`);
  const text = prose(random, Math.min(2000, bytes / 4));
  const content = random.bytes(Math.max(30, Math.floor((bytes - text.length) * 0.73)));
  const lines = content.toString('base64').match(/.{1,76}/g) ?? [];
  const name = `${random.pick(WORDS)}-${random.below(999)}.pdf`;
  return [
    'This is a multi-part message in MIME format.',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    text,
    `--${boundary}`,
    'Content-Type: application/pdf',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}`,
    '',
    ...lines,
    `--${boundary}--`,
    '',
  ].join('\r\n');
}

function prose(random: Random, bytes: number): string {
  let text = '';
  while (text.length < bytes) text += `${sentence(random, 6 + random.below(7))}${random.chance(0.1) ? '\r\n' : ''}\r\n`;
  return text;
}

function sentence(random: Random, words: number): string {
  return Array.from({ length: words }, () => random.pick(WORDS)).join(' ');
}

function address(random: Random, oddity: Oddity | undefined): string {
  const person = random.pick(PEOPLE);
  const local = person.replace('ö', 'oe');
  const name = oddity === 'eightBitHeader' ? 'Jörg' : encodedWord(person);
  return `${name} <${local}@${random.pick(DOMAINS)}>`;
}

/** RFC 2047, where the text needs it. */
function encodedWord(text: string): string {
  return /^[ -~]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}

function time(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function rfc5322(date: Date): string {
  return `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time(date)} +0000`;
}

/** As in the "From " lines of mbox files (RFC 4155), UTC. */
export function asctime(date: Date): string {
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${time(date)} ${date.getUTCFullYear()}`;
}
