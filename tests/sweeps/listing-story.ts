/** A story for sources that are harder to list than most. */
import type { Habits } from '../../connectors/memory/source.js';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import type { Story } from './crash-everywhere.js';

/** A first run, then one that has to list, and finds what came, what left, and what has other flags. */
export function listingStory(habits: Habits): Story {
  return {
    options: {
      selection: { deletions: 'mirror', maxDeletions: 1 },
      settings: { batchItems: 2 },
      habits: { pageItems: 2, ...habits },
    },
    async tell(world, run) {
      const text = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\n\r\nbody ${n}\r\n`);
      const inbox = world.from.folder(['INBOX']);
      for (let n = 1; n <= 3; n++) world.from.put(['INBOX'], { bytes: text(n), flags: ['\\Flagged'] });
      await run();
      setFlags(inbox, 1, ['\\Seen']);
      removeFrom(inbox, 3);
      world.from.put(['INBOX'], { bytes: text(4) });
      inbox.forgotten = inbox.modseq;
      await run();
    },
  };
}
