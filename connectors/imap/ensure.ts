/** Finding or making a target folder: by role, then by name, then by a name the server can take. */
import type { Role, TargetContainer, Wanted } from '../contract.js';
import { Fault } from '../errors.js';
import type { Command } from './command.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import type { Folder, FolderStatus } from './folders.js';
import { folderStatus, listFolders } from './folders.js';
import type { TargetName } from './mailbox-names.js';
import { pathOf, targetName } from './mailbox-names.js';
import { tellsRole } from './roles.js';
import { uidKey } from './sequence-set.js';
import type { ImapSession } from './session.js';

/** The folder for a role: as the server tells it, else the one of that very name, else one that is called like it. */
function bearing(folders: readonly Folder[], role: Role | undefined, raw: string): Folder | undefined {
  const bearer = role && folders.find((one) => one.role === role && one.holdsMessages);
  if (!bearer || tellsRole(bearer.attributes, role)) return bearer || undefined;
  return folders.find((one) => one.raw === raw && one.holdsMessages) ?? bearer;
}

/** Dovecot says so without a code: "Mailbox doesn't exist", "Mailbox was deleted under us". */
function saysGone({ code, message }: Fault): boolean {
  return code === 'not-found' || (code === 'refused' && /n't exist|not exist|was deleted/i.test(message));
}

export class TargetFolders {
  readonly #session: ImapSession;
  #known: { readonly connection: ImapConnection; readonly folders: Folder[] } | undefined;

  constructor(session: ImapSession) {
    this.#session = session;
  }

  /** Idempotent. Throws `Fault`: `refused` when the server takes no form of the name. */
  async ensure(connection: ImapConnection, wanted: Wanted): Promise<TargetContainer> {
    const folders = await this.#list(connection);
    try {
      return await this.#foundOrMade(connection, wanted, folders);
    } catch (error) {
      if (!(error instanceof Fault) || !saysGone(error)) throw error;
      // Lists may be older than what they list: ours of a kept session, and Dovecot's own.
      this.#known = undefined;
      const now = (await this.#list(connection)).filter(
        ({ raw }) => raw === 'INBOX' || !folders.some((one) => one.raw === raw),
      );
      return this.#foundOrMade(connection, wanted, now).catch(() => {
        throw error;
      });
    }
  }

  async #foundOrMade(connection: ImapConnection, wanted: Wanted, folders: readonly Folder[]): Promise<TargetContainer> {
    const { namespace } = this.#session;
    const name = targetName(wanted.path, namespace);
    const found = bearing(folders, wanted.role, name.raw);
    if (found) return this.#opened(connection, found.raw, wanted, { created: false, notes: [] });
    const refusal = await this.#findOrCreate(connection, folders, name);
    if (!(refusal instanceof Error))
      return this.#opened(connection, name.raw, wanted, { ...refusal, notes: name.notes });
    const cautious = targetName(wanted.path, namespace, true);
    if (cautious.raw === name.raw) throw refusal;
    const second = await this.#findOrCreate(connection, folders, cautious);
    if (second instanceof Error) throw second;
    return this.#opened(connection, cautious.raw, wanted, { ...second, notes: cautious.notes });
  }

  /** The next look asks for the folders anew. */
  forget(): void {
    this.#known = undefined;
  }

  /** What `ensure` would find; undefined where it would make one. */
  async find(connection: ImapConnection, wanted: Wanted): Promise<TargetContainer | undefined> {
    const raw = this.#nameIn(await this.#list(connection), wanted) ?? (await this.#nameAnew(connection, wanted));
    if (raw === undefined) return undefined;
    let status: FolderStatus;
    try {
      status = await folderStatus(connection, raw);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // It went away since it was listed; a refusal that says something else stays one.
      if ((await this.#nameAnew(connection, wanted)) === raw) throw error;
      return undefined;
    }
    return {
      key: raw,
      path: pathOf(raw, this.#session.namespace),
      validity: status.validity,
      created: false,
      items: status.messages,
      anchor: uidKey(status.uidNext),
    };
  }

  async #nameAnew(connection: ImapConnection, wanted: Wanted): Promise<string | undefined> {
    this.#known = undefined;
    return this.#nameIn(await this.#list(connection), wanted);
  }

  #nameIn(folders: readonly Folder[], { path, role }: Wanted): string | undefined {
    const byRole = role && folders.find((one) => one.role === role && one.holdsMessages);
    if (byRole) return byRole.raw;
    const { namespace } = this.#session;
    const names = [targetName(path, namespace).raw, targetName(path, namespace, true).raw];
    return names.find((raw) => folders.some((one) => one.raw === raw && one.holdsMessages));
  }

  async #list(connection: ImapConnection): Promise<Folder[]> {
    if (this.#known?.connection !== connection) {
      const folders = await listFolders(connection, this.#session.namespace, false);
      this.#known = { connection, folders };
    }
    return this.#known.folders;
  }

  /** Returns the refusal when the server does not take the name; throws other faults. */
  async #findOrCreate(
    connection: ImapConnection,
    folders: readonly Folder[],
    name: TargetName,
  ): Promise<{ created: boolean } | Fault> {
    if (folders.some((one) => one.raw === name.raw && one.holdsMessages)) return { created: false };
    const command: Command = { name: 'CREATE', pieces: ['CREATE ', astring(name.raw)] };
    const reply = await connection.execute(command);
    if (reply.status === 'OK') return { created: true };
    // Another session made it meanwhile, or the server sees no difference in case.
    if (reply.code?.name === 'ALREADYEXISTS' || /exists/i.test(reply.text)) return { created: false };
    const fault = connection.fault(reply, command);
    if (fault.code !== 'refused') throw fault;
    return fault;
  }

  async #opened(
    connection: ImapConnection,
    raw: string,
    wanted: Wanted,
    { created, notes }: { readonly created: boolean; readonly notes: readonly string[] },
  ): Promise<TargetContainer> {
    const folders = await this.#list(connection);
    const known = folders.find((one) => one.raw === raw);
    if (wanted.subscribed && !known?.subscribed) {
      await connection.run({ name: 'SUBSCRIBE', pieces: ['SUBSCRIBE ', astring(raw)] });
    }
    // A folder in the list may be deleted by others; the next call shall then look again.
    this.#known = undefined;
    const status = await folderStatus(connection, raw);
    const path = pathOf(raw, this.#session.namespace);
    const folder: Folder = {
      raw,
      path,
      attributes: known?.attributes ?? new Set(),
      subscribed: (wanted.subscribed || known?.subscribed) ?? false,
      holdsMessages: true,
      ...((known?.role ?? wanted.role) ? { role: known?.role ?? wanted.role } : {}),
    };
    this.#known = { connection, folders: [...folders.filter((one) => one.raw !== raw), folder] };
    return {
      key: raw,
      path,
      validity: status.validity,
      created,
      items: status.messages,
      anchor: uidKey(status.uidNext),
      ...(notes.length > 0 ? { notes } : {}),
    };
  }
}
