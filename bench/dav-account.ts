import type { Tag } from '../tests/servers/radicale-files.js';

/** An account of a DAV server that the benchmark fills or reads; its password is `secret`. */
export interface Account {
  readonly url: string;
  readonly user: string;
  /** Where its collections of a kind lie: a path with slashes at both ends. */
  home(tag: Tag): string;
}
