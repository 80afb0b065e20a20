/** What `doctor` and `plan` show of an account. */
import type { Capability } from '../contract.js';
import { Fault } from '../errors.js';
import { readStatus } from './capabilities.js';
import { entryAt, membersOf, quotaOf } from './properties.js';
import type { NextcloudSession } from './session.js';
import { isOfOthers } from './tree.js';

export async function describeAccount(
  session: NextcloudSession,
  role: 'source' | 'target',
  signal: AbortSignal,
): Promise<Capability[]> {
  const { http } = session;
  const { base, home, files, capabilities } = await session.roots(signal);
  const { chunking, bulkUpload, maxChunkBytes, names, extensions } = capabilities;
  const status = await readStatus(http, base, signal);
  const shown: Capability[] = [
    { name: 'server', value: status ? `${status.product} ${status.version}` : 'does not say' },
    { name: 'files', value: `${http.origin}${files}` },
  ];
  if (status?.maintenance) {
    shown.push({
      name: 'maintenance',
      value: 'on',
      problem: 'the server refuses everything until its maintenance ends',
    });
  }
  if (role === 'source') return [...shown, ...(await ofOthers(session, files, signal))];
  shown.push(
    { name: 'large files', value: chunkingWords(chunking, maxChunkBytes) },
    { name: 'small files', value: bulkWords(session, bulkUpload) },
    { name: 'checksums', value: 'SHA-256, computed by the server when it is asked' },
  );
  const quota = await quotaOf(http, await nearest(session, files, home, signal), signal);
  const used = quota.used === undefined ? '' : `${quota.used} bytes used, `;
  shown.push({
    name: 'quota',
    value: `${used}${quota.available === undefined ? 'no limit told' : `${quota.available} bytes left`}`,
    ...(quota.available === 0 && { problem: 'the account is full: make room, or raise its quota' }),
  });
  const { forbidden = '', reserved = [] } = names;
  const ends = extensions.map((one) => JSON.stringify(one)).join(' ');
  const value = `none with ${[...forbidden].join(' ')}; not ${reserved.join(', ')}; none that end with ${ends}`;
  shown.push({ name: 'names', value });
  return shown;
}

/** What stands in the root and is not the account's own. */
async function ofOthers(
  { http, options }: NextcloudSession,
  files: string,
  signal: AbortSignal,
): Promise<Capability[]> {
  const root = await entryAt(http, files, signal);
  if (!root || isOfOthers(root)) return [];
  let others = 0;
  for await (const page of membersOf(http, files, signal)) others += page.filter(isOfOthers).length;
  if (others === 0) return [];
  const taken = options.shared === 'move';
  const what = taken ? 'moved along, as `shared: move` says' : 'left out; `shared: move` takes them along';
  const value = `${others} in the root, ${what}`;
  return [
    {
      name: 'shared by others',
      value,
      ...(!taken && { remark: `files that others share with the account, and team folders: ${value}` }),
    },
  ];
}

function chunkingWords(chunking: string | undefined, most: number | undefined): string {
  if (chunking === undefined) return 'the server does not say that it takes chunks; they are tried';
  return `in chunks (version ${chunking})${most === undefined ? '' : `, of up to ${most} bytes`}`;
}

function bulkWords({ options }: NextcloudSession, bulkUpload: string | undefined): string {
  if (bulkUpload === undefined) return 'one by one: the server offers no bulk upload';
  if (options.bulk === 'never') return 'one by one: the spec says so';
  const dates =
    options.bulk === 'without-creation-dates' ? 'without their creation dates' : 'where no creation date is known';
  return `many at once into new folders, ${dates} (bulk upload ${bulkUpload}); else one by one`;
}

/** The folder, or the home while a target has not made it. */
async function nearest(session: NextcloudSession, files: string, home: string, signal: AbortSignal): Promise<string> {
  try {
    await quotaOf(session.http, files, signal);
    return files;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return home;
    throw error;
  }
}
