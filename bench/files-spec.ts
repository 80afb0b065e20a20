/** The spec of the files benchmark: one share into another, all else as it is by default. */
import type { Share } from './files-servers.js';

export function specOf(name: string, source: Share, target: Share): string {
  const system = ({ url, user }: Share): string =>
    `{ type: webdav, url: "${url}", auth: { username: ${user}, password: { env: DROVER_BENCH_PASSWORD } } }`;
  return `version: 1
name: ${name}
sources: { old: ${system(source)} }
targets: { new: ${system(target)} }
selections:
  - { name: files, kind: files, from: old, to: new, accounts: [{ from: source, to: target }] }
`;
}
