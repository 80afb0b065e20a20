/** All folders of an account with their role, subscription and state, in as few round trips as the server allows. */
import type { Role } from '../contract.js';
import { Fault } from '../errors.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import { isForeign, pathOf } from './mailbox-names.js';
import type { DataReply, StatusReply, Value } from './reply.js';
import { asList, asPairs, asText } from './reply.js';
import { assignRoles } from './roles.js';
import type { Namespace } from './session.js';

export interface FolderStatus {
  readonly validity: string;
  readonly uidNext: number;
  readonly messages: number;
  /** Absent where the folder keeps no modification sequences. As text: it may exceed 2^53. */
  readonly modSeq?: string;
}

export interface Folder {
  /** As on the wire, latin1; the inbox always as `INBOX`. */
  readonly raw: string;
  readonly path: readonly string[];
  /** Upper case. */
  readonly attributes: ReadonlySet<string>;
  readonly subscribed: boolean;
  /** False for a name that only has children (\Noselect, \NonExistent). */
  readonly holdsMessages: boolean;
  role?: Role;
  status?: FolderStatus;
}

/** A mailbox with more is none. */
const MOST_FOLDERS = 100_000;

/** Personal folders, parents first; with `status` also the state of each that holds messages. */
export async function listFolders(
  connection: ImapConnection,
  namespace: Namespace,
  withStatus: boolean,
): Promise<Folder[]> {
  const folders = new Map<string, Folder>();
  const statuses = new Map<string, FolderStatus>();
  const subscribed = new Set<string>();
  const onReply = (reply: DataReply | StatusReply) => {
    if (reply.kind !== 'data') return;
    if (reply.name === 'LSUB') subscribed.add(rawName(reply.values[2]));
    if (reply.name === 'STATUS') statuses.set(rawName(reply.values[0]), readStatus(reply.values[1]));
    if (reply.name !== 'LIST') return;
    const folder = readFolder(reply.values, namespace);
    if (folders.size > MOST_FOLDERS)
      throw new Fault('refused', `LIST: the server names more than ${MOST_FOLDERS} folders`);
    if (!folders.has(folder.raw) && !isForeign(folder.raw, namespace)) folders.set(folder.raw, folder);
  };
  const extended = connection.has('LIST-EXTENDED');
  const options = [
    'SUBSCRIBED',
    ...(connection.has('SPECIAL-USE') ? ['SPECIAL-USE'] : []),
    ...(withStatus && connection.has('LIST-STATUS') ? [`STATUS (${statusItems(connection)})`] : []),
  ];
  const list = extended ? `LIST "" "*" RETURN (${options.join(' ')})` : 'LIST "" "*"';
  await Promise.all([
    connection.run({ name: 'LIST', pieces: [list], onReply }),
    ...(extended ? [] : [connection.run({ name: 'LSUB', pieces: ['LSUB "" "*"'], onReply })]),
  ]);
  const found = [...folders.values()].map((folder) =>
    subscribed.has(folder.raw) ? { ...folder, subscribed: true } : folder,
  );
  for (const [folder, role] of assignRoles(found)) folder.role = role;
  if (withStatus) await addStatuses(connection, found, statuses);
  return found.sort((a, b) => a.path.length - b.path.length);
}

/** The state of one folder. Throws `Fault('not-found')`. */
export async function folderStatus(connection: ImapConnection, raw: string): Promise<FolderStatus> {
  let status: FolderStatus | undefined;
  const command = {
    name: 'STATUS',
    pieces: ['STATUS ', astring(raw), ` (${statusItems(connection)})`],
    onReply(reply: DataReply | StatusReply) {
      if (reply.kind !== 'data' || reply.name !== 'STATUS' || rawName(reply.values[0]) !== raw) return;
      status = readStatus(reply.values[1]);
    },
  };
  const reply = await connection.execute(command);
  if (reply.status === 'OK' && status !== undefined) return status;
  throw connection.fault(
    reply.status === 'OK' ? { ...reply, status: 'NO', text: 'nothing about the folder' } : reply,
    command,
  );
}

async function addStatuses(
  connection: ImapConnection,
  folders: readonly Folder[],
  statuses: ReadonlyMap<string, FolderStatus>,
): Promise<void> {
  const asked = folders.map(async (folder) => {
    if (!folder.holdsMessages) return;
    folder.status = statuses.get(folder.raw) ?? (await folderStatus(connection, folder.raw));
  });
  await Promise.all(asked);
}

function statusItems(connection: ImapConnection): string {
  return `MESSAGES UIDNEXT UIDVALIDITY${connection.has('CONDSTORE') || connection.has('QRESYNC') ? ' HIGHESTMODSEQ' : ''}`;
}

function readFolder(values: readonly Value[], namespace: Namespace): Folder {
  const raw = rawName(values[2]);
  const delimiter = values[1];
  const attributes = new Set(asList(values[0]).map((attribute) => asText(attribute).toUpperCase()));
  const own: Namespace = { ...namespace, ...(typeof delimiter === 'string' && delimiter !== '' ? { delimiter } : {}) };
  return {
    raw,
    path: pathOf(raw, own),
    attributes,
    subscribed: attributes.has('\\SUBSCRIBED'),
    holdsMessages: !attributes.has('\\NOSELECT') && !attributes.has('\\NONEXISTENT'),
  };
}

function rawName(value: Value | undefined): string {
  const raw = asText(value);
  return raw.toUpperCase() === 'INBOX' ? 'INBOX' : raw;
}

function readStatus(value: Value | undefined): FolderStatus {
  const pairs = asPairs(value);
  const modSeq = pairs.get('HIGHESTMODSEQ');
  return {
    validity: asText(pairs.get('UIDVALIDITY') ?? ''),
    uidNext: Number(asText(pairs.get('UIDNEXT') ?? '0')),
    messages: Number(asText(pairs.get('MESSAGES') ?? '0')),
    // 0 stands for NOMODSEQ (RFC 7162, section 3.1.2.2).
    ...(typeof modSeq === 'string' && modSeq !== '0' ? { modSeq } : {}),
  };
}
