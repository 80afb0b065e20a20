import { quote } from './diagnostic.js';
import { didYouMean } from './suggest.js';

/** What is wrong with the name of a time zone, or nothing. */
export function timeZoneProblem(name: string): string | undefined {
  if (isTimeZone(name)) return undefined;
  const meant = didYouMean(name, Intl.supportedValuesOf('timeZone')) || '; use an IANA name such as Europe/Berlin';
  return `unknown time zone ${quote(name)}${meant}`;
}

function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 pass Intl on newer runtimes, and Temporal refuses them.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
