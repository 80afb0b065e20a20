/** Properties of an entry (FilesPlugin.php, QuotaPlugin.php), those that are asked for. */
import type { Told } from './nextcloud-answers.js';
import { escaped } from './nextcloud-answers.js';
import type { State } from './nextcloud-state.js';
import { freeIn, indexedAt, storedAt } from './nextcloud-state.js';
import type { Entry } from './nextcloud-storage.js';

const OC = '{http://owncloud.org/ns}';
const NC = '{http://nextcloud.org/ns}';
/** OCP\Files\FileInfo::SPACE_UNLIMITED */
const UNLIMITED = -3;

export async function propertiesOf(
  state: State,
  path: string,
  { folder, bytes, modified }: Entry,
  asked: readonly string[] | undefined,
): Promise<Told> {
  const { id, etag, checksum, created } = state.index.at(indexedAt(state, path));
  const wants = (name: string): boolean => asked?.includes(name) ?? false;
  const props = new Map<string, string>([
    ['D:getetag', `&quot;${etag}&quot;`],
    ['D:getlastmodified', modified],
    ['D:resourcetype', folder ? '<d:collection/>' : ''],
    [`${OC}fileid`, String(id)],
    [`${OC}id`, `${String(id).padStart(8, '0')}ocemulator`],
    [`${NC}creation_time`, String(created)],
  ]);
  if (!folder) {
    props.set('D:getcontentlength', String(bytes));
    props.set(`${OC}size`, String(bytes));
    if (checksum !== '') props.set(`${OC}checksums`, `<oc:checksum>${escaped(checksum)}</oc:checksum>`);
    return props;
  }
  const stored = storedAt(state, path);
  if (wants(`${OC}size`)) props.set(`${OC}size`, String(await state.storage.used(stored)));
  if (wants('D:quota-used-bytes')) props.set('D:quota-used-bytes', String(await state.storage.used(stored)));
  if (wants('D:quota-available-bytes')) {
    props.set('D:quota-available-bytes', String((await freeIn(state)) ?? UNLIMITED));
  }
  if (wants(`${NC}contained-folder-count`)) {
    const members = await state.storage.members(stored);
    const folders = members.filter((one) => one.folder).length;
    props.set(`${NC}contained-folder-count`, String(folders));
    props.set(`${NC}contained-file-count`, String(members.length - folders));
  }
  return props;
}
