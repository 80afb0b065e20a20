/** Filters that work, though perhaps not as they are meant. */
import { quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { listAt } from './problem.js';

/** Globs such as "*.tmp" that elsewhere mean any folder, and here the root alone. */
export function filterWarnings(spec: unknown): Problem[] {
  return (listAt(spec, ['selections']) ?? []).flatMap((_, index) =>
    ['include', 'exclude'].flatMap((part) => {
      const path = ['selections', String(index), part, 'files'];
      return (listAt(spec, path) ?? []).flatMap((glob, at): Problem[] => {
        if (typeof glob !== 'string' || !/^\*[^*/][^/]*$/.test(glob)) return [];
        const message = `${quote(glob)} fits files at the root only; for those of all folders write ${quote(`**/${glob}`)}`;
        return [{ path: [...path, String(at)], at: 'value', message }];
      });
    }),
  );
}
