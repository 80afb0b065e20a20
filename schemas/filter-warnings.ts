/** Filters that work, though perhaps not as they are meant. */
import type { Role } from '../connectors/contract.js';
import { roleByName } from '../connectors/kinds/folder-roles.js';
import { quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { listAt, textAt } from './problem.js';

export function filterWarnings(spec: unknown): Problem[] {
  return (listAt(spec, ['selections']) ?? []).flatMap((_, index) => {
    const selection = ['selections', String(index)];
    return [
      ...['include', 'exclude'].flatMap((part) => entryWarnings(spec, [...selection, part, 'files'], atRootOnly)),
      ...(textAt(spec, [...selection, 'kind']) === 'mail'
        ? entryWarnings(spec, [...selection, 'exclude', 'folders'], byNameOnly)
        : []),
    ];
  });
}

function entryWarnings(
  spec: unknown,
  list: readonly string[],
  warningOf: (glob: string) => string | undefined,
): Problem[] {
  return (listAt(spec, list) ?? []).flatMap((glob, at): Problem[] => {
    const message = typeof glob === 'string' ? warningOf(glob) : undefined;
    return message === undefined ? [] : [{ path: [...list, String(at)], at: 'value', message }];
  });
}

/** Globs such as "*.tmp" that elsewhere mean any folder, and here the root alone. */
function atRootOnly(glob: string): string | undefined {
  if (!/^\*[^*/][^/]*$/.test(glob)) return undefined;
  return `${quote(glob)} fits files at the root only; for those of all folders write ${quote(`**/${glob}`)}`;
}

/** What nobody would miss, and everybody calls otherwise. */
const UNWANTED: readonly Role[] = ['junk', 'trash'];

/** "Trash" of one mailbox is "Papierkorb" in the next. */
function byNameOnly(glob: string): string | undefined {
  const [role] = roleByName(glob.replace(/\/\*\*$/, '').split('/')) ?? [];
  if (role === undefined || !UNWANTED.includes(role)) return undefined;
  return `${quote(glob)} fits folders of this name only: in other languages and programs the folder for ${role} is called otherwise, and moves; write exclude: { roles: [${role}] }`;
}
