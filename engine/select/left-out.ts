/** Which folders, calendars and address books a selection leaves out, and by which of its rules. */
import type { Container, Role } from '../../connectors/contract.js';
import { roleByName } from '../../connectors/kinds/folder-roles.js';
import { traits } from '../../connectors/kinds/traits.js';
import { createFolderMatcher } from '../../schemas/folder-globs.js';
import type { Selection } from '../../schemas/spec.js';

/** What rules look at; `path` in the spec's source. */
export type Judged = Pick<Container, 'path' | 'leftOut'> & { readonly role?: Role | null | undefined };

/**
 * The rule that leaves a container out, as the spec writes it, e.g. `exclude.roles junk`; undefined: it is covered. Without
 * `include.folders` and `include.roles` all are. `all` tells the roles of the folders above one. Of kind `files` there is
 * one container for the whole tree, which is always covered: its folders are items.
 */
export function leavesOut(
  { kind, include, exclude }: Selection,
  all: Iterable<Pick<Judged, 'path' | 'role'>>,
): (container: Judged) => string | undefined {
  if (traits[kind].place === 'path') return () => undefined;
  const included = include?.folders ? createFolderMatcher(include.folders) : () => true;
  const excluding = (exclude?.folders ?? []).map((glob) => ({ glob, fits: createFolderMatcher([glob]) }));
  const rolesOf = include?.roles || exclude?.roles ? createRoles(all) : () => [];
  return (container) => {
    if (container.leftOut !== undefined) return container.leftOut;
    const name = container.path.join('/');
    const roles = rolesOf(container);
    if (!included(name)) return 'include.folders';
    if (include?.roles && !include.roles.some((role) => roles.includes(role))) return 'include.roles';
    const glob = excluding.find(({ fits }) => fits(name))?.glob;
    if (glob !== undefined) return `exclude.folders ${JSON.stringify(glob)}`;
    const role = exclude?.roles?.find((one) => roles.includes(one));
    return role === undefined ? undefined : `exclude.roles ${role}`;
  };
}

/** Its own role, and those of the folders that it lies in. On some servers all folders lie in the inbox: that does not count. */
function createRoles(all: Iterable<Pick<Judged, 'path' | 'role'>>): (container: Judged) => readonly Role[] {
  const known = new Map<string, Role>();
  for (const { path, role } of all) {
    if (role) known.set(JSON.stringify(path), role);
    else known.delete(JSON.stringify(path));
  }
  return ({ path, role }) => {
    const roles = role ? [role] : [];
    for (let depth = path.length - 1; depth > 0; depth--) {
      const above = known.get(JSON.stringify(path.slice(0, depth)));
      if (above !== undefined && above !== 'inbox') roles.push(above);
    }
    return roles;
  };
}

/** Said of a folder that moves though its name sounds like one that is left out: the source has another in that role. */
export function namesakeOf({ exclude }: Selection, { path, role }: Judged): string | undefined {
  if (role || !exclude?.roles) return undefined;
  const [meant] = roleByName(path) ?? [];
  if (meant === undefined || !exclude.roles.includes(meant)) return undefined;
  const name = JSON.stringify(path.join('/'));
  return `the folder ${name} moves: the source has another for ${meant}; to leave it out, too, name it in exclude.folders`;
}
