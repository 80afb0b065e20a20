/**
 * Globs over paths, matched in one pass: the time grows with the text and with the glob, and with nothing else. Regular
 * expressions made from globs do not: with `*a*a*a*a*b` one long name of a folder holds a worker for minutes.
 */

/** One step of a glob. `deep`: `**` as a whole level. */
type Step =
  | { readonly is: 'char'; readonly char: string }
  | { readonly is: 'any' | 'star' | 'deep' }
  | { readonly is: 'oneOf'; readonly branches: readonly (readonly Step[])[] };

/** A place in the glob: what may come there, and where that leads; or ways that need nothing. */
interface State {
  readonly accepts?: (char: string) => boolean;
  readonly to: number;
  readonly ways: number[];
}

const DONE = 0;

/**
 * Whether a whole path fits: `*` stands for what it likes within a level, `**` as a level for any number of levels, `?`
 * for one character, `{a,b}` for either; a backslash takes a character literally, all others are themselves.
 * Throws an `Error` that says what is wrong with the glob.
 */
export function createGlobMatcher(glob: string): (path: string) => boolean {
  const states: State[] = [{ to: DONE, ways: [] }];
  const from = built(parsed(glob), DONE, states);
  const reached = new Array<number>(states.length).fill(-1);
  return (path) => {
    if (path === '') return false;
    reached.fill(-1);
    let now: number[] = [];
    const enter = (first: number, at: number): void => {
      const open = [first];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (reached[next] === at) continue;
        reached[next] = at;
        now.push(next);
        open.push(...(states[next] as State).ways);
      }
    };
    let at = 0;
    enter(from, at);
    for (const char of path) {
      const before = now;
      now = [];
      at++;
      for (const one of before) {
        const { accepts, to } = states[one] as State;
        if (accepts?.(char)) enter(to, at);
      }
      if (now.length === 0) return false;
    }
    return reached[DONE] === at;
  };
}

function parsed(glob: string): readonly Step[] {
  const letters = [...glob];
  let at = 0;
  const literal = (char: string): Step => ({ is: 'char', char });
  /** Up to the end, or to the comma or brace that ends a branch. */
  const sequence = (inBraces: boolean): Step[] => {
    const steps: Step[] = [];
    for (; at < letters.length; at++) {
      const char = letters[at] as string;
      if (inBraces && (char === ',' || char === '}')) return steps;
      if (char === '\\' && at + 1 < letters.length) steps.push(literal(letters[++at] as string));
      else if (char === '?') steps.push({ is: 'any' });
      else if (char === '*') {
        const deep = letters[at + 1] === '*';
        if (deep) at++;
        steps.push({ is: deep ? 'deep' : 'star' });
      } else if (char === '{') steps.push(...braces());
      else steps.push(literal(char));
    }
    if (inBraces) throw new Error('a "{" has no "}"; write "\\{" for one that is part of the name');
    return steps;
  };
  const braces = (): Step[] => {
    const branches: Step[][] = [];
    do {
      at++;
      branches.push(sequence(true));
    } while (letters[at] === ',');
    // Nothing to choose from: the braces are themselves.
    if (branches.length === 1) return [literal('{'), ...(branches[0] as Step[]), literal('}')];
    return [{ is: 'oneOf', branches }];
  };
  return sequence(false);
}

const isSlash = (step: Step | undefined): boolean => step?.is === 'char' && step.char === '/';
const withinLevel = (char: string): boolean => char !== '/';
const anything = (): boolean => true;

/** Adds the states of a sequence that goes on at `next`; answers where it begins. */
function built(steps: readonly Step[], next: number, states: State[]): number {
  const add = (state: State): number => states.push(state) - 1;
  /** As many as one likes, then on. */
  const repeated = (accepts: (char: string) => boolean, then: number): number =>
    add({ accepts, to: states.length, ways: [then] });
  let on = next;
  for (let at = steps.length - 1; at >= 0; at--) {
    const step = steps[at] as Step;
    const before = steps[at - 1];
    const after = steps[at + 1];
    if (step.is === 'char') on = add({ accepts: (char) => char === step.char, to: on, ways: [] });
    else if (step.is === 'any') on = add({ accepts: withinLevel, to: on, ways: [] });
    else if (step.is === 'oneOf') {
      const ways = step.branches.map((branch) => built(branch, on, states));
      on = add({ to: on, ways });
    } else if (step.is === 'star' || (before && !isSlash(before)) || (after && !isSlash(after)))
      on = repeated(withinLevel, on);
    else if (after) {
      // `**/x`: `on` is the slash; where there are no levels before it, there is no slash either.
      const levels = repeated(anything, on);
      on = add({ to: on, ways: [levels, (states[on] as State).to] });
    } else if (before && steps[at - 2]?.is !== 'star') {
      // `x/**`: x itself, or all that is below it; of `*/**` only what is below.
      const below = repeated(anything, on);
      on = add({ to: on, ways: [add({ accepts: (char) => char === '/', to: below, ways: [] }), on] });
      at--;
    } else on = repeated(anything, on);
  }
  return on;
}
