/** `migrate plan SPEC --deletions FILE`: what would be deleted, a line for each. */
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { writeDeletions } from '../report/covered-file.js';
import type { Spec } from '../schemas/spec.js';
import { count, plural } from '../words/numbers.js';
import type { PlanDeletion, PlanDeletions } from '../words/plan.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';

export async function saveDeletions(
  shell: Shell,
  spec: Spec,
  file: string,
  deletions: PlanDeletions | undefined,
): Promise<void> {
  if (!deletions)
    throw new CommandError(
      exitCodes.failed,
      'the worker does not name what would be deleted: it is of an earlier version',
      'start a worker of this version',
    );
  const { count: all, listed, packed } = deletions;
  const text = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES }).toString();
  await writeDeletions(resolve(shell.cwd, file), spec, JSON.parse(text) as PlanDeletion[]);
  shell.err(`${plural(all, 'deletion')}: ${file}`);
  if (listed < all)
    shell.err(
      `  only the first ${count(listed)} are in it: a plan has no room for more; once a run waits for approval, \`migrate approve ${spec.name} --list FILE\` has all`,
    );
}

/** Two hundred thousand with long paths. */
const MOST_BYTES = 512 * 1024 * 1024;
