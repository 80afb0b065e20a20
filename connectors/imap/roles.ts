/** Which folder is Sent, Drafts …: by SPECIAL-USE (RFC 6154), else by name in the common languages. */
import type { Role } from '../contract.js';
import { roleByName } from '../kinds/folder-roles.js';

const SPECIAL_USE: Readonly<Record<string, Role>> = {
  '\\SENT': 'sent',
  '\\DRAFTS': 'drafts',
  '\\TRASH': 'trash',
  '\\JUNK': 'junk',
  '\\SPAM': 'junk',
  '\\ARCHIVE': 'archive',
  '\\ALL': 'all',
  '\\ALLMAIL': 'all',
  '\\FLAGGED': 'flagged',
  '\\STARRED': 'flagged',
  '\\INBOX': 'inbox',
};

export interface RoleBearer {
  readonly path: readonly string[];
  readonly attributes: ReadonlySet<string>;
}

/**
 * The role of each folder; each role at most once. SPECIAL-USE decides for a role where the server has it;
 * names count at the top, directly below the inbox, and below a container like `[Gmail]`.
 */
export function assignRoles<F extends RoleBearer>(folders: readonly F[]): Map<F, Role> {
  const holders = new Map<Role, F>();
  for (const folder of folders) {
    if (folder.path.length === 1 && folder.path[0] === 'INBOX') holders.set('inbox', folder);
    for (const attribute of folder.attributes) {
      const role = SPECIAL_USE[attribute];
      if (role !== undefined && !holders.has(role)) holders.set(role, folder);
    }
  }
  const taken = new Set(holders.values());
  const named = folders.flatMap((folder) => {
    const found = taken.has(folder) ? undefined : roleByName(folder.path);
    return found && !holders.has(found[0]) ? [{ folder, role: found[0], rank: found[1] }] : [];
  });
  for (const { folder, role } of named.sort((a, b) => a.rank - b.rank))
    if (!holders.has(role)) holders.set(role, folder);
  return new Map([...holders].map(([role, folder]) => [folder, role]));
}

/** Whether the server itself says that a folder with these attributes has the role. */
export function tellsRole(attributes: ReadonlySet<string>, role: Role): boolean {
  return role === 'inbox' || [...attributes].some((attribute) => SPECIAL_USE[attribute] === role);
}
