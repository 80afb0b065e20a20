/** INTERNALDATE (RFC 9051, date-time) to and from `YYYY-MM-DDTHH:MM:SS±HH:MM`, keeping the zone. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const ON_THE_WIRE = /^\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/;
const STANDARD = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|([+-]\d{2}):(\d{2}))$/;

/** Before it nobody could send mail, and no server keeps such a date: Exchange sends `30-Dec-1899` where it has none. */
const FIRST_YEAR = 1970;

/** Undefined for what is not a date of a message; some servers send `00-Jan-0000`. A leap second becomes the one before. */
export function fromInternalDate(text: string): string | undefined {
  const parts = ON_THE_WIRE.exec(text);
  if (!parts) return undefined;
  const [, day = '', name = '', year = '', time = '', hours = '', minutes = ''] = parts;
  const month = MONTHS.findIndex((one) => one.toLowerCase() === name.toLowerCase()) + 1;
  const second = time.replace(/:60$/, ':59');
  const date = `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}T${second}${hours}:${minutes}`;
  return Number.isNaN(Date.parse(date)) || Number(year) < FIRST_YEAR ? undefined : date;
}

/** For APPEND, without quotes. Undefined for what is not a date. */
export function toInternalDate(date: string): string | undefined {
  const parts = STANDARD.exec(date);
  if (!parts || Number.isNaN(Date.parse(date))) return undefined;
  const [, year, month, day, time, hours = '+00', minutes = '00'] = parts;
  return `${day}-${MONTHS[Number(month) - 1]}-${year} ${time} ${hours}${minutes}`;
}
