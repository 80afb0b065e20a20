/** What is wrong with the timetables under `limits`. */
import type { Span } from './bandwidth.js';
import { readSpan, spansOverlap } from './bandwidth.js';
import { parseRate, RATE_PATTERN } from './bytes.js';
import { quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { labelOf, mappingAt } from './problem.js';

/** Of all systems; values of a wrong shape are left to the schema. */
export function bandwidthProblems(spec: unknown): Problem[] {
  return ['sources', 'targets'].flatMap((group) =>
    Object.keys(mappingAt(spec, [group]) ?? {}).flatMap((name) =>
      tableProblems(spec, [group, name, 'limits', 'bandwidth']),
    ),
  );
}

function tableProblems(spec: unknown, path: readonly string[]): Problem[] {
  const earlier: { readonly text: string; readonly span: Span }[] = [];
  return Object.entries(mappingAt(spec, path) ?? {}).flatMap(([text, rate]) => {
    const problems: Problem[] = [];
    const here = [...path, text];
    const perSecond = parseRate(rate);
    // What does not look like a rate at all is the schema's to tell.
    if (typeof rate === 'string' && new RegExp(RATE_PATTERN).test(rate) && !(perSecond && perSecond >= 1)) {
      const bound = perSecond === undefined ? 'is more than can be counted' : 'must be at least 1B/s';
      problems.push({ path: here, at: 'value', message: `${labelOf(here, spec)} ${bound}` });
    }
    const span = readSpan(text);
    if (typeof span === 'string') return [...problems, { path: here, at: 'key', message: span }];
    const first = earlier.find((other) => isSameZone(other.span, span));
    const other = earlier.find((each) => isSameZone(each.span, span) && spansOverlap(each.span, span));
    if (earlier.length > 0 && first === undefined) {
      problems.push({
        path: here,
        at: 'key',
        message: `all spans of a table must be in one time zone, so that none can overlap; ${quote(earlier[0]?.text as string)} is in another`,
      });
    } else if (other !== undefined) {
      problems.push({
        path: here,
        at: 'key',
        message: `${quote(text)} overlaps with ${quote(other.text)}; only one rate can hold at a time`,
      });
    }
    earlier.push({ text, span });
    return problems;
  });
}

function isSameZone(a: Span, b: Span): boolean {
  return canonical(a.zone) === canonical(b.zone);
}

function canonical(zone: string): string {
  return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
}
