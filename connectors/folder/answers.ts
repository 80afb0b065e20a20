/** What a target answers to a write that it did not apply, and which errors concern one entry only. */
import type { Conflicted, Refused } from '../contract.js';
import { Fault } from '../errors.js';
import { errnoOf } from '../local/local-files.js';
import { InTheWay } from './held-folder.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'the worker’s user may not write there; give it access',
  EPERM: 'the worker’s user may not write there; give it access',
  ENAMETOOLONG: 'the name or the whole path is too long for the file system; map or rename it',
  EINVAL: 'the file system does not take this name; rename it',
  EILSEQ: 'the file system does not take this name; rename it',
  EFBIG: 'the file system holds no file of this size',
  EXDEV: 'another file system is mounted there; make it a target of its own',
  EISDIR: 'a folder stands there by now',
  ENOTDIR: 'a folder above it is none any more',
  ENOENT: 'the folder above it was removed meanwhile; the next run will see that',
  ELOOP: 'a symbolic link stands there, which is not followed',
};

/** The answer that an error is, when it concerns one entry; undefined when it concerns more. */
export function answerOf(error: unknown, token: string, path: string): Refused | Conflicted | undefined {
  if (error instanceof InTheWay) {
    if (error.link) return { refused: token, reason: `${error.message} but a symbolic link, which is not followed` };
    // Not the file in the way: it is another item's, whose content says nothing of this one.
    return { conflicted: token, ref: path, reason: `${error.message}: a file stands in its place` };
  }
  if (error instanceof Fault) {
    if (error.code !== 'refused') return undefined;
    return { refused: token, reason: `${error.message}; ${error.next ?? 'rename it'}` };
  }
  const errno = errnoOf(error) ?? '';
  const reason = REASONS[errno];
  return reason === undefined ? undefined : { refused: token, reason: `${JSON.stringify(path)}: ${errno}; ${reason}` };
}

export function taken(token: string, path: string): Conflicted {
  return { conflicted: token, ref: path, reason: 'something else stands there already' };
}

export function edited(token: string, ref: string): Conflicted {
  return { conflicted: token, ref, reason: 'it was changed meanwhile' };
}

export function missing(token: string, ref: string): Conflicted {
  return { conflicted: token, ref, reason: 'it is gone' };
}
