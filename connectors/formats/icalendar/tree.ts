/** A calendar object as components within components. */
import type { ContentLine } from './lines.js';
import { byteText, parsedLine, unfoldedLines } from './lines.js';

export interface Component {
  /** In upper case, e.g. `VEVENT`. */
  readonly name: string;
  readonly lines: ContentLine[];
  readonly components: Component[];
  /** Unfolded lines that are not content lines, as byte text. */
  readonly strays: string[];
}

/** Deeper nesting is an attack or noise, no calendar. */
const MAX_DEPTH = 50;

/** What a body holds: its components of the first level, VCALENDAR as a rule. */
export interface Parsed {
  readonly components: readonly Component[];
  /** Lines outside of every component. */
  readonly strays: readonly string[];
  /** Names of components that were begun and not ended. */
  readonly open: readonly string[];
}

/**
 * Reads any body; undefined when it is none of components: no BEGIN at all, an END that nothing began, or nested
 * beyond reason. A component whose END is missing ends with the one around it, or with the body.
 */
export function parsedCalendar(body: Buffer): Parsed | undefined {
  const components: Component[] = [];
  const strays: string[] = [];
  const stack: Component[] = [];
  const open: string[] = [];
  for (const line of unfoldedLines(byteText(body))) {
    const current = stack[stack.length - 1];
    const parsed = parsedLine(line);
    if (!parsed) (current?.strays ?? strays).push(line);
    else if (parsed.name === 'BEGIN') {
      const begun: Component = { name: parsed.value.trim().toUpperCase(), lines: [], components: [], strays: [] };
      (current?.components ?? components).push(begun);
      if (stack.push(begun) > MAX_DEPTH) return undefined;
    } else if (parsed.name === 'END') {
      const name = parsed.value.trim().toUpperCase();
      if (!stack.some((component) => component.name === name)) return undefined;
      while (stack.length > 0) {
        const ended = stack.pop() as Component;
        if (ended.name === name) break;
        open.push(ended.name);
      }
    } else if (current) current.lines.push(parsed);
    else strays.push(line);
  }
  if (components.length === 0) return undefined;
  return { components, strays, open: [...open, ...stack.map((component) => component.name)] };
}

/** The entries of all calendars in the body: components of the second level, and first-level ones that are not wrappers. */
export function entriesOf(parsed: Parsed): Component[] {
  return parsed.components.flatMap((component) =>
    component.name === 'VCALENDAR' ? component.components : [component],
  );
}

export function lineOf(component: Component, name: string): ContentLine | undefined {
  return component.lines.find((line) => line.name === name);
}
