/**
 * The last step of a large file. Putting chunks together can take longer than a proxy waits: it answers 504 while the
 * server goes on, and whoever asks again is told 423 until the file is there. So the answer alone decides nothing: the
 * file and the folder of its chunks do. The server takes that folder away once the file is in its place.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Upload, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { Changed, DavHttp } from '../wire/dav/http.js';
import type { Entry } from '../wire/webdav/entries.js';
import { destination } from '../wire/webdav/paths.js';
import type { Folders } from './folders.js';
import { entryAt } from './properties.js';
import { dateHeaders, etagOf } from './write.js';

export interface Finishing {
  readonly http: DavHttp;
  readonly folders: Folders;
  /** Where the file goes, and the folder of its chunks: paths of requests. */
  readonly to: string;
  readonly parts: string;
  readonly upload: Upload;
  /** Of what is replaced. */
  readonly version: string | undefined;
}

/** How long one call looks for a file that is being put together; the next call goes on looking. */
const PATIENCE_MS = 120_000;
const FIRST_LOOK_MS = 200;
const LAST_LOOK_MS = 5_000;
/** Looks in vain before the MOVE is asked for again. */
const LOOKS = 4;

export async function finishUpload(finishing: Finishing, signal: AbortSignal): Promise<WriteAnswer> {
  const until = performance.now() + PATIENCE_MS;
  let doubt: Fault | undefined;
  for (let made = false; ; ) {
    const answer = await move(finishing, signal);
    if ('landed' in answer) return answer.landed;
    if ('again' in answer) {
      if (made) throw answer.again;
      made = true;
      continue;
    }
    doubt = answer.doubt;
    const landed = await look(finishing, until, signal);
    if (landed) return landed;
    if (performance.now() >= until) {
      throw new Fault('unavailable', `${doubt.message}; the file is not there yet, and its chunks still are`, {
        next: 'it is looked for again; if it stays so, raise the time limits of PHP and of the proxy before it',
        cause: doubt,
      });
    }
  }
}

type Moved = { readonly landed: WriteAnswer } | { readonly again: Fault } | { readonly doubt: Fault };

async function move(finishing: Finishing, signal: AbortSignal): Promise<Moved> {
  const { http, folders, to, parts, upload, version } = finishing;
  const at = destination(http.origin, to);
  const dates = dateHeaders(upload.meta);
  const headers = {
    destination: at,
    'oc-total-length': String(upload.bytes),
    ...dates.headers,
    // If-Match would speak of the chunks; a tagged list speaks of what stands there (RFC 4918, 10.4).
    ...(version === undefined ? { overwrite: 'F' } : { overwrite: 'T', if: `<${at}> (["${version}"])` }),
  };
  const asking = { method: 'MOVE', path: `${parts}.file`, headers };
  let answer: Changed;
  try {
    answer = await http.change(asking, signal);
  } catch (error) {
    // The answer was lost, or never came: the server may be at it.
    if (error instanceof Fault && error.code === 'unavailable' && !signal.aborted) return { doubt: error };
    throw error;
  }
  const { status } = answer;
  if (status === 201 || status === 204)
    return { landed: await written(finishing, etagOf(answer), dates.notes, signal) };
  const fault = http.faultFrom(asking, answer, answer.error);
  // Throttled and maintenance (503 with Retry-After) are refused before anything is done.
  if (fault.code === 'throttled' || fault.code === 'quota' || fault.code === 'credentials') throw fault;
  if (fault.code === 'unavailable') return { doubt: fault };
  // What is left says that something is not as it was thought to be: it may have landed before.
  const [there, chunks] = [await entryAt(http, to, signal), await entryAt(http, parts, signal)];
  if (!chunks) {
    if (there && isOurs(there, finishing))
      return { landed: await written(finishing, there.version, dates.notes, signal) };
    throw new Fault('not-found', `${http.where(asking)}: the chunks are gone, and the file is not there`, {
      next: 'the file is sent anew',
      cause: fault,
    });
  }
  if (there && (version === undefined || there.version !== version)) return { landed: stands(upload, there.folder) };
  if (!there && version !== undefined) return { landed: stands(upload, false) };
  if (status === 404 || status === 409) {
    folders.forget();
    if (!(await folders.makeAbove(upload.path, signal))) return { landed: stands(upload, true) };
    return { again: fault };
  }
  // 400: the chunks do not add up to the file. Nothing mends that but sending it anew.
  if (status === 400 && /chunks/i.test(fault.message)) {
    throw new Fault('not-found', `${fault.message}`, { next: 'the file is sent anew', cause: fault });
  }
  return { landed: { refused: upload.token, reason: `${fault.message}; ${fault.next ?? 'look at it in the target'}` } };
}

/** Looks until the file is there, or the time is up; undefined when the MOVE should be asked for again. */
async function look(finishing: Finishing, until: number, signal: AbortSignal): Promise<WriteAnswer | undefined> {
  const { http, to, parts, upload } = finishing;
  const { notes } = dateHeaders(upload.meta);
  let pause = FIRST_LOOK_MS;
  for (let looks = 0; looks < LOOKS && performance.now() < until; looks++) {
    await wait(pause, undefined, { signal });
    pause = Math.min(2 * pause, LAST_LOOK_MS);
    const there = await orUnknown(() => entryAt(http, to, signal));
    if (there === 'unknown') continue;
    if (there && isOurs(there, finishing)) return written(finishing, there.version, notes, signal);
    const chunks = await orUnknown(() => entryAt(http, parts, signal));
    if (chunks !== undefined) continue;
    // The one goes right after the other comes: it may have come between the two looks.
    const last = await entryAt(http, to, signal);
    if (last && isOurs(last, finishing)) return written(finishing, last.version, notes, signal);
    throw new Fault(
      'not-found',
      `${http.where({ method: 'MOVE', path: parts })}: the chunks are gone, and the file is not there`,
      {
        next: 'the file is sent anew',
      },
    );
  }
  return undefined;
}

/** A server in trouble is asked again. */
async function orUnknown<T>(ask: () => Promise<T>): Promise<T | 'unknown'> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') return 'unknown';
    throw error;
  }
}

/**
 * Whether what stands there is what the chunks made. Its content is proven later, as the spec says; here size and date
 * tell it from what was replaced, and from what others put there.
 */
function isOurs({ folder, bytes, modified, version: now }: Entry, { upload, version }: Finishing): boolean {
  if (folder || bytes !== upload.bytes || (version !== undefined && now === version)) return false;
  const sent = dateHeaders(upload.meta).headers['x-oc-mtime'];
  return sent === undefined || modified === undefined || Date.parse(modified) === Number(sent) * 1000;
}

async function written(
  { http, to, upload }: Finishing,
  told: string | undefined,
  notes: readonly string[],
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const version = told ?? (await entryAt(http, to, signal))?.version;
  return {
    token: upload.token,
    ref: upload.path.normalize('NFC'),
    ...(version !== undefined && { version }),
    ...(notes.length > 0 && { notes }),
  };
}

function stands({ token, path }: Upload, folder: boolean): WriteAnswer {
  const reason = folder
    ? 'in the target a folder or a file stands in the way'
    : 'the target holds something else there than when it was last seen';
  return { conflicted: token, ref: path.normalize('NFC'), reason };
}
