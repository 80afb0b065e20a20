/** Changes of a target's collection, one request each, each on a condition that nobody else's work can break. */
import { createHash } from 'node:crypto';
import type { TargetContainer, Write, WriteAnswer } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { DavAccount } from './account.js';
import { drain } from './answer-body.js';
import type { Otherwise } from './conditions.js';
import { tryCondition, whileUnchanged } from './conditions.js';
import { encodePath, nameIn, segmentOf } from './hrefs.js';
import type { Changed } from './http.js';
import { getItem, ifMatch, versionOf } from './items.js';
import type { DavRequest } from './request.js';
import type { Scheduling } from './scheduling.js';
import { suppression } from './scheduling.js';

export interface Writing {
  readonly account: DavAccount;
  readonly container: TargetContainer;
  readonly scheduling: Scheduling;
  /** Names that must not be created, where the server itself would not refuse. */
  readonly taken?: ReadonlySet<string> | undefined;
}

/** Throws the faults that concern more than this write. */
export async function apply(writing: Writing, write: Write<Buffer>, signal: AbortSignal): Promise<WriteAnswer> {
  try {
    switch (write.op) {
      case 'create':
        return await create(writing, write, signal);
      case 'update':
        return await update(writing, write, signal);
      case 'move':
        return await move(writing, write, signal);
      case 'remove':
        return await remove(writing, write, signal);
      case 'meta':
        return { refused: write.token, reason: 'items here have no metadata beside their content' };
      default:
        return write satisfies never;
    }
  } catch (error) {
    if (error instanceof Refusal) return { refused: write.token, reason: reasonOf(error.fault) };
    throw error;
  }
}

/** The server takes all but this item. */
class Refusal {
  readonly fault: Fault;

  constructor(fault: Fault) {
    this.fault = fault;
  }
}

function reasonOf({ message, next }: Fault): string {
  return next === undefined ? message : `${message}; ${next}`;
}

/** What an answer stands for that is no success: about this item alone, or about the account. */
function failure({ account }: Writing, request: DavRequest, answer: Changed): Fault | Refusal {
  const fault = account.http.faultFrom(request, answer, answer.error);
  // A login without the right to write is refused for every item.
  return fault.code === 'refused' && fault.condition !== 'D:need-privileges' ? new Refusal(fault) : fault;
}

/**
 * What an answer stands for that is no success, to the content of one item: SOGo answers 404 to what it cannot store (a bare
 * VJOURNAL), DAViCal 500. Where the server is well but for this one, that is its answer, and the others go on; unless it
 * stored it all the same.
 */
async function failedAlone(
  writing: Writing,
  {
    op,
    token,
    digest,
    ref,
  }: Pick<Write<Buffer> & { op: 'create' | 'update' }, 'op' | 'token' | 'digest'> & {
    readonly ref: string;
  },
  request: DavRequest,
  answer: Changed,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { account, container } = writing;
  const stumbled = answer.status === 500 || answer.status === 501 || answer.status === 404;
  if (!stumbled || !(await isThere(account, container.key, signal))) throw failure(writing, request, answer);
  const copy = await getItem(account, container.key, ref, signal);
  if (copy && account.flavour.rules.digest(suppression.undone(account, copy.body)) === digest) {
    return { token, ref, version: copy.version };
  }
  // Another session was faster: DAViCal stumbles over that, too.
  if (copy && op === 'create') return { conflicted: token, ref, reason: IS_THERE };
  const { message } = account.http.faultFrom(request, answer, answer.error);
  throw new Refusal(new Fault('refused', message, { next: 'see what it says of this item, then retry' }));
}

const MAX_NAME = 120;

/** The name an item gets: its UID where that makes a plain segment, else a hash of it; the same each time. */
export function nameFor({ account }: Pick<Writing, 'account'>, body: Buffer): string {
  const { rules, suffix } = account.flavour;
  const uid = rules.identities(body, ['uid'])[0]?.slice('uid:'.length) ?? rules.digest(body);
  const safe = /^[A-Za-z0-9_@-][A-Za-z0-9_.@-]*$/.test(uid) && uid.length <= MAX_NAME;
  const stem = safe ? uid : createHash('sha256').update(uid).digest('hex').slice(0, 40);
  return segmentOf(stem.toLowerCase().endsWith(suffix) ? stem : `${stem}${suffix}`);
}

async function create(
  writing: Writing,
  write: Write<Buffer> & { op: 'create' },
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { account, container } = writing;
  const name = nameFor(writing, write.body);
  if (writing.taken?.has(name)) return { conflicted: write.token, ref: name, reason: IS_THERE };
  const request = put(writing, name, write.body, { 'if-none-match': '*' });
  const answer = await account.http.change(request, signal);
  const { status, error } = answer;
  if (status >= 200 && status < 300) {
    // Storing it again may have given it another version.
    const again = await tryCondition(account, request, signal);
    return unmarked(writing, { ...write, ref: name }, again ? { ...answer, headers: {} } : answer, signal);
  }
  if (status >= 300 && status < 400) return redirected(writing, write, answer, signal);
  if (isUidConflict(answer)) {
    const ref = error.href ? nameIn(container.key, error.href) : undefined;
    return { conflicted: write.token, ...(ref !== undefined && { ref }), reason: IS_THERE };
  }
  if (isOtherwise(answer)) {
    // SOGo says so, too, of an invitation whose organiser it knows and has no copy from.
    if (await isThere(account, container.key + name, signal))
      return { conflicted: write.token, ref: name, reason: IS_THERE };
    const { message } = account.http.faultFrom(request, answer, error);
    throw new Refusal(new Fault('refused', `${message}, though nothing stands there`, { next: NOTHING_THERE }));
  }
  if (status === 409 && error.condition === undefined) {
    // The collection is away, or, with SOGo, the UID is taken.
    if (await isThere(account, container.key, signal)) return { conflicted: write.token, reason: IS_THERE };
    throw vanished(container);
  }
  if (status === 404 && !(await isThere(account, container.key, signal))) throw vanished(container);
  return failedAlone(writing, { ...write, ref: name }, request, answer, signal);
}

const NOTHING_THERE = 'if it is an invitation, move the organiser’s account first, then retry';
const IS_THERE = 'the target holds an item with this UID already';

/** The condition of the request did not hold. DAViCal names it in the body, others only say 412. */
function isOtherwise({ status, error: { condition } }: Changed): boolean {
  return status === 412 && (condition === undefined || /^D:if-(none-)?match$/.test(condition));
}

function isUidConflict({ status, error }: Changed): boolean {
  return [403, 409, 412].includes(status) && (error.condition?.endsWith('no-uid-conflict') ?? false);
}

/** Some servers keep an item under a name of their own and say where (302 on PUT). */
async function redirected(
  { account, container }: Writing,
  write: Write<Buffer> & { op: 'create' },
  answer: Changed,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const ref = answer.headers.location === undefined ? undefined : nameIn(container.key, answer.headers.location);
  const there = ref === undefined ? undefined : await getItem(account, container.key, ref, signal);
  if (ref !== undefined && there && account.flavour.rules.digest(there.body) === write.digest) {
    return { token: write.token, ref, version: there.version };
  }
  if (there && ref !== undefined) return { conflicted: write.token, ref, reason: IS_THERE };
  return {
    refused: write.token,
    reason: `the server redirected the write (${answer.status}), and nothing stands there`,
  };
}

async function update(
  writing: Writing,
  write: Write<Buffer> & { op: 'update' },
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { account, container } = writing;
  await refuseToMail(writing, write.ref, signal);
  const request = put(writing, write.ref, write.body, write.version === undefined ? { 'if-match': '*' } : {});
  const answer = await changeOf(writing, write, request, signal);
  if (answer === 'changed' || answer === 'gone') return { ...ANOTHER, conflicted: write.token, ref: write.ref };
  const { status } = answer;
  if (status >= 200 && status < 300) return unmarked(writing, write, answer, signal);
  if ([404, 410].includes(status) || isOtherwise(answer) || isUidConflict(answer)) {
    return { ...ANOTHER, conflicted: write.token, ref: write.ref };
  }
  if (status === 409 && !(await isThere(account, container.key, signal))) throw vanished(container);
  return failedAlone(writing, write, request, answer, signal);
}

const ANOTHER = { reason: 'the copy in the target has another version, or is gone' };

/** Sends an update or a removal; with a version, on the condition that the copy still has it. */
async function changeOf(
  { account, container }: Writing,
  { op, ref, version }: Write<Buffer> & { op: 'update' | 'remove' },
  request: DavRequest,
  signal: AbortSignal,
): Promise<Changed | Otherwise> {
  if (version === undefined) return account.http.change(request, signal);
  return whileUnchanged(account, op, { collection: container.key, name: ref, version }, request, signal);
}

async function remove(
  writing: Writing,
  write: Write<Buffer> & { op: 'remove' },
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { account, container } = writing;
  await refuseToMail(writing, write.ref, signal);
  const request = { method: 'DELETE', path: container.key + write.ref };
  // An empty version is nobody's: the copy is thought to be gone.
  const answer = await changeOf(writing, await marked(writing, write, signal), request, signal);
  if (answer === 'gone') return { token: write.token };
  if (answer === 'changed') return { ...ANOTHER, conflicted: write.token, ref: write.ref };
  const { status } = answer;
  if ((status >= 200 && status < 300) || status === 404 || status === 410) return { token: write.token };
  if (status === 412) {
    // Radicale answers so for what is gone, too: then it is as asked.
    if (!(await getItem(account, container.key, write.ref, signal))) return { token: write.token };
    return { ...ANOTHER, conflicted: write.token, ref: write.ref };
  }
  throw failure(writing, request, answer);
}

async function move(
  { account, container }: Writing,
  write: Write<Buffer> & { op: 'move' },
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const destination = `${account.http.origin}${encodePath(write.to.key + write.ref)}`;
  const headers = { destination, overwrite: 'F' };
  const request = { method: 'MOVE', path: container.key + write.ref, headers };
  const answer = await account.http.change(request, signal);
  if (answer.status >= 200 && answer.status < 300) return written(write.token, write.ref, answer);
  const fault = account.http.faultFrom(request, answer, answer.error);
  if (['refused', 'conflict', 'not-found'].includes(fault.code)) return { refused: write.token, reason: fault.message };
  throw fault;
}

/**
 * A copy that a person or another program made has its invitations sent by the server: to edit it, to remove it, or to
 * mark it as ours would have the server tell its attendees (RFC 6638, 3.2.1). Throws a `Refusal`.
 */
async function refuseToMail(
  { account, container, scheduling }: Writing,
  ref: string,
  signal: AbortSignal,
): Promise<void> {
  // Of SOGo the mark was taken away again after each write.
  if (scheduling === 'none' || account.http.sogo || account.options.scheduling === 'allow') return;
  const copy = await getItem(account, container.key, ref, signal);
  if (!copy || !suppression.invites(account, copy.body) || suppression.done(copy.body).equals(copy.body)) return;
  throw new Refusal(
    new Fault('refused', 'the copy in the target was not written by a migration: the server would mail its attendees', {
      next: 'change it by hand, or let the server mail them with `scheduling: allow`',
    }),
  );
}

/**
 * What was just stored, without the mark that kept SOGo from mailing: it would keep it from mailing of people's own
 * changes, too. Storing it a second time mails nobody.
 */
async function unmarked(
  writing: Writing,
  { token, ref, body }: { readonly token: string; readonly ref: string; readonly body: Buffer },
  first: Changed,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { account } = writing;
  const answer = written(token, ref, first);
  if (!account.http.sogo || !isSuppressed(writing, body) || !('token' in answer)) return answer;
  const { version } = answer;
  const plain = { ...put(writing, ref, body, version === undefined ? {} : ifMatch(version)), body };
  const second = await account.http.change(plain, signal);
  if (second.status < 300) return written(token, ref, second);
  return { ...answer, notes: ['SOGo kept the mark SCHEDULE-AGENT=CLIENT: it mails nobody of later changes'] };
}

/** A copy that is to be removed gets the mark again: SOGo mails attendees that it is called off, unless it has it. */
async function marked(
  writing: Writing,
  write: Write<Buffer> & { op: 'remove' },
  signal: AbortSignal,
): Promise<Write<Buffer> & { op: 'remove' }> {
  const { account, container } = writing;
  if (!account.http.sogo || write.version === undefined) return write;
  const copy = await getItem(account, container.key, write.ref, signal);
  if (copy?.version !== write.version || !isSuppressed(writing, copy.body)) return write;
  const again = await account.http.change(put(writing, write.ref, copy.body, ifMatch(copy.version)), signal);
  const { etag } = again.headers;
  return again.status < 300 && etag !== undefined ? { ...write, version: versionOf(etag) } : write;
}

/** Whether it is written with the mark that keeps a scheduling server from mailing. */
function isSuppressed({ account, scheduling }: Writing, body: Buffer): boolean {
  return account.options.scheduling !== 'allow' && scheduling !== 'none' && suppression.invites(account, body);
}

function put(
  writing: Writing,
  name: string,
  body: Buffer,
  condition: Readonly<Record<string, string>>,
): DavRequest & { readonly body: Buffer } {
  const { account, container, scheduling } = writing;
  const { contentType } = account.flavour;
  const suppressed = isSuppressed(writing, body);
  if (suppressed && scheduling === 'unknown') {
    throw new Refusal(
      new Fault('refused', 'the server would mail its attendees, and cannot be told not to', {
        next: 'turn scheduling off on the server, or let it mail them with `scheduling: allow`',
      }),
    );
  }
  return {
    method: 'PUT',
    path: container.key + name,
    headers: { 'content-type': contentType, ...condition },
    body: suppressed ? suppression.done(body) : body,
  };
}

function written(token: string, ref: string, { headers: { etag } }: Changed): WriteAnswer {
  // RFC 4791, 5.3.4: an ETag is told only where the item was stored as it came.
  return { token, ref, ...(etag !== undefined && !etag.startsWith('W/') && { version: versionOf(etag) }) };
}

async function isThere(account: DavAccount, key: string, signal: AbortSignal): Promise<boolean> {
  const answer = await account.http.ask({ method: 'PROPFIND', path: key, headers: { depth: '0' } }, signal);
  await drain(answer.body);
  return answer.status === 207;
}

function vanished({ path }: TargetContainer): Fault {
  return new Fault('unavailable', `the collection ${path.join('/')} went away from the target`, {
    next: 'it is made again when the move goes on',
  });
}
