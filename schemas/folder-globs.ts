import { createGlobMatcher } from './glob.js';

/**
 * Whether a folder's path (`/` between levels) fits one of the globs: `*` within a level, `**` over levels,
 * `?`, `{a,b}`; a backslash takes a character literally. Brackets, parentheses, `|`, `!` are themselves,
 * because `[Gmail]/Sent Mail` and `Sent (old)` are names of folders. `Projects/**` includes `Projects`.
 * Throws for a glob that `folderGlobProblem` objects to.
 */
export function createFolderMatcher(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map(createGlobMatcher);
  return (path) => matchers.some((matches) => matches(path));
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
