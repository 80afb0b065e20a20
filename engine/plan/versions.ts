/** The versions of all copies in a target, asked of its source role where it has one: a listing, no content. */
import type { Container, Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import type { Deps } from '../deps.js';
import type { Held, Opening } from '../session/connections.js';
import type { Look } from './look.js';
import type { Remarks, Where } from './remarks.js';

/** Opens the target as a source at the first question, when a connection is free; `done` ends that. */
export function createVersions(
  deps: Deps,
  opening: Omit<Opening, 'role'>,
  where: Where,
  remarks: Remarks,
  signal: AbortSignal,
): Held<Look['versions']> {
  let opened: Promise<{ source: Source; containers: ReadonlyMap<string, Container> } | undefined> | undefined;
  let held: Held<Source> | undefined;
  const readable = deps.connectors[opening.config.type]?.manifest.roles.includes('source') === true;
  const open = async () => {
    if (!readable || kinds[opening.kind].edits !== 'content') return undefined;
    try {
      held = await deps.connections.tryOpenSource(opening, signal);
      if (!held) return undefined;
      const containers = new Map<string, Container>();
      for await (const container of held.session.containers(signal)) containers.set(container.key, container);
      return { source: held.session, containers };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // A run does not need this: copies are read instead.
      remarks.note(where, `its versions cannot be listed, so copies are read one by one: ${error.message}`);
      return undefined;
    }
  };
  return {
    async session(targetKey) {
      opened ??= open();
      const there = await opened;
      if (!there) return undefined;
      const container = there.containers.get(targetKey);
      const versions = new Map<string, string>();
      if (!container) return versions;
      for await (const { entries } of there.source.list(container, undefined, signal)) {
        for (const { key, version } of entries) versions.set(key, version);
      }
      return versions;
    },
    async done(healthy) {
      await held?.done(healthy);
    },
  };
}
