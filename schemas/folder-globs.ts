import { createGlobMatcher } from './glob.js';

/**
 * Whether a folder's path (`/` between levels) fits one of the globs: `*` within a level, `**` over levels,
 * `?`, `{a,b}`; a backslash takes a character literally. Brackets, parentheses, `|`, `!` are themselves,
 * because `[Gmail]/Sent Mail` and `Sent (old)` are names of folders. `Projects/**` includes `Projects`.
 * Whatever the Unicode form of either: what looks alike is alike. Throws for a glob that `folderGlobProblem` objects to.
 */
export function createFolderMatcher(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((glob) => createGlobMatcher(glob.normalize('NFC')));
  return (path) => {
    const name = path.normalize('NFC');
    return matchers.some((matches) => matches(name));
  };
}

/**
 * Whether a folder may hold, on some level, what fits one of the globs: `Projects` and `Projects/Alpha` do for
 * `Projects/A*\/x`. Where it is hard to tell the answer is yes.
 */
export function createLeadMatcher(globs: readonly string[]): (path: string) => boolean {
  const leads = globs.map(leadsOf);
  return (path) => {
    const names = path.normalize('NFC').split('/');
    return leads.some((levels) => {
      for (const [at, name] of names.entries()) {
        const level = levels[at];
        if (level === undefined) return false;
        if (level === 'any') return true;
        if (!level(name)) return false;
      }
      return names.length < levels.length;
    });
  };
}

/** One matcher for each level; `any`: from there on anything may fit. */
function leadsOf(glob: string): ('any' | ((name: string) => boolean))[] {
  // Braces may hold "/": what is behind them is not told apart by levels.
  const plain = glob.normalize('NFC').replace(/\\./gs, '__');
  const brace = plain.indexOf('{');
  const known = plain.slice(0, brace === -1 ? undefined : plain.lastIndexOf('/', brace) + 1);
  const levels = glob.normalize('NFC').slice(0, known.length).split('/');
  if (brace !== -1) levels.pop();
  const made = levels.map((level) => (level.includes('**') ? ('any' as const) : createFolderMatcher([level])));
  return brace === -1 ? made : [...made, 'any'];
}

/** What is wrong with a glob over folders, or nothing. */
export function folderGlobProblem(glob: string): string | undefined {
  return globProblem(glob, 'folder');
}

/** What is wrong with a glob over whole paths of files, or nothing. They are matched as folders are. */
export function fileGlobProblem(glob: string): string | undefined {
  return globProblem(glob, 'file');
}

function globProblem(glob: string, of: 'folder' | 'file'): string | undefined {
  if (glob.trim() === '') return `an empty glob fits no ${of}; use "**" for all`;
  if (glob.length > 1000) return 'the glob is longer than 1,000 characters';
  if (glob.startsWith('/') || glob.endsWith('/')) {
    const way = of === 'file' && glob.endsWith('/') ? '; choose whole folders with folders' : '';
    return `paths of ${of}s neither begin nor end with "/"${way}`;
  }
  if (glob.startsWith('!')) return `a glob cannot be negated; name the ${of}s under exclude`;
  if (/(^|[^\\])(\\\\)*\\$/.test(glob)) return 'the glob ends in a backslash; write "\\\\" for one';
  if (/\*{3,}/.test(glob)) return 'use "*" within a level or "**" over levels';
  if ([...glob.matchAll(/\{([^{},]*)\}/g)].some(([, inside]) => inside?.includes('..')))
    return 'ranges are not known; write {1,2,3} for {1..3}';
  try {
    createGlobMatcher(glob);
    return undefined;
  } catch (error) {
    return `not a glob: ${(error as Error).message}`;
  }
}
