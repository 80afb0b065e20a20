/**
 * What an instance says of itself: `/status.php` and `/ocs/v2.php/cloud/capabilities`, the latter asked for with the
 * login, for without it most is left out (developer manual, OCS API; apps/dav/lib/Capabilities.php and
 * apps/files/lib/Capabilities.php name the fields).
 */
import type { NameRules } from '../contract.js';
import { Fault } from '../errors.js';
import { drain, MOST_SAID, whole } from '../wire/dav/answer-body.js';
import type { DavHttp } from '../wire/dav/http.js';

export interface Status {
  readonly product: string;
  readonly version: string;
  readonly maintenance: boolean;
}

export interface Capabilities {
  /** `1.0` where large files may be sent in chunks. */
  readonly chunking: string | undefined;
  /** `1.0` where many small files may be sent in one request. */
  readonly bulkUpload: string | undefined;
  /** What the administrator, or a proxy he knows of, allows for a chunk. */
  readonly maxChunkBytes: number | undefined;
  readonly names: NameRules;
  /** What names may not end with, in any letter case, e.g. `.part`. */
  readonly extensions: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Undefined where the page is not a status page: then the address is not that of an instance. */
export async function readStatus(http: DavHttp, base: string, signal: AbortSignal): Promise<Status | undefined> {
  const asking = { method: 'GET', path: `${base}status.php` };
  const answer = await http.ask(asking, signal);
  if (answer.status !== 200) {
    // In maintenance mode it still answers 200; anything else is not Nextcloud's word.
    await drain(answer.body);
    return undefined;
  }
  const said = fieldsOf(parsed(await whole(answer.body, MOST_SAID)));
  if (typeof said.versionstring !== 'string') return undefined;
  const product = typeof said.productname === 'string' ? said.productname : 'Nextcloud';
  return { product, version: said.versionstring, maintenance: said.maintenance === true };
}

export async function readCapabilities(http: DavHttp, base: string, signal: AbortSignal): Promise<Capabilities> {
  const all = fieldsOf((await askOcs(http, base, 'capabilities', signal)).capabilities);
  const dav = fieldsOf(all.dav);
  const files = fieldsOf(all.files);
  const most = fieldsOf(files.chunked_upload).max_size;
  return {
    chunking: textOf(dav.chunking),
    bulkUpload: textOf(dav.bulkupload),
    maxChunkBytes: typeof most === 'number' && most > 0 ? most : undefined,
    names: namesFrom(files),
    extensions: extensionsIn(files),
  };
}

/** The user id, which stands in the paths, and may differ from the name that is used for the login. */
export async function readUserId(http: DavHttp, base: string, signal: AbortSignal): Promise<string> {
  const { id } = await askOcs(http, base, 'user', signal);
  if (typeof id === 'string' && id !== '') return id;
  throw new Fault('spec', `${http.origin}${base}: the server does not tell the id of the account`, {
    next: 'set url to the address of the files, as the settings of the files app show it under WebDAV',
  });
}

/** Before version 30 nothing is told of names, and these are the rules (lib/public/Constants.php). */
const FORBIDDEN = '\\/';
const RESERVED = ['.htaccess'];
/** `filename[250]` in lib/private/Files/FilenameValidator.php: bytes, and the width of the column in oc_filecache. */
const NAME_BYTES = 250;
/** oc_filecache.path has 4000 characters, of which `files/` takes six. */
const PATH_BYTES = 3_990;

function namesFrom(files: Fields): NameRules {
  const characters = listOf(files.forbidden_filename_characters);
  const names = [...listOf(files.forbidden_filenames), ...listOf(files.blacklisted_files)];
  const reserved = [...(names.length > 0 ? names : RESERVED), ...listOf(files.forbidden_filename_basenames)];
  // Extensions of one character are what Windows dislikes at the end of a name: a dot, a blank.
  const extensions = extensionsIn(files);
  const endings = extensions.filter((one) => [...one].length === 1);
  return {
    forbidden: characters.length > 0 ? characters.join('') : FORBIDDEN,
    reserved: [...new Set(reserved)],
    ...(endings.length > 0 && { endings: endings.join('') }),
    suffixes: extensions.filter((one) => [...one].length > 1),
    nameBytes: NAME_BYTES,
    pathBytes: PATH_BYTES,
    formless: true,
  };
}

/** Uploads that are under way have such names, so they were refused before they were told (lib/private/Files/Filesystem.php). */
function extensionsIn(files: Fields): string[] {
  const told = listOf(files.forbidden_filename_extensions);
  return told.length > 0 ? told : ['.part', '.filepart'];
}

/**
 * Whether the server refuses a name when it looks at it. Bulk upload does not look (server issue 37213), and what it then
 * stores cannot be reached again.
 */
export function refusesName({ names, extensions }: Capabilities, name: string): boolean {
  const { forbidden = '', reserved = [], nameBytes = NAME_BYTES } = names;
  const lower = name.toLowerCase();
  const dot = lower.indexOf('.', 1);
  const stem = dot === -1 ? lower : lower.slice(0, dot);
  return (
    Buffer.byteLength(name) > nameBytes ||
    /\p{Cc}/u.test(name) ||
    [...forbidden].some((one) => name.includes(one)) ||
    reserved.some((one) => one.toLowerCase() === lower || one.toLowerCase() === stem) ||
    extensions.some((one) => lower.endsWith(one.toLowerCase()))
  );
}

async function askOcs(http: DavHttp, base: string, what: string, signal: AbortSignal): Promise<Fields> {
  const headers = { 'ocs-apirequest': 'true', accept: 'application/json' };
  const asking = { method: 'GET', path: `${base}ocs/v2.php/cloud/${what}`, headers };
  const answer = await http.ask(asking, signal);
  if (answer.status === 200) {
    const { ocs } = fieldsOf(parsed(await whole(answer.body, MOST_SAID)));
    if (ocs) return fieldsOf(fieldsOf(ocs).data);
  } else {
    const fault = await http.fault(asking, answer);
    if (fault.code !== 'not-found' && fault.code !== 'refused') throw fault;
  }
  throw new Fault('spec', `${http.origin}${base}: this is not the address of a Nextcloud`, {
    next: 'check url; for other WebDAV servers, ownCloud among them, use type webdav',
  });
}

function parsed(body: Buffer | undefined): unknown {
  try {
    return body && JSON.parse(body.toString());
  } catch {
    // A page of HTML, or what does not end: the caller says that this is not Nextcloud.
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
