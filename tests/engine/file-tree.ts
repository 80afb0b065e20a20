/** Trees on disk, as other programs make and see them. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export async function put(root: string, path: string, content: string | Buffer = path): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** Everything in a tree by path; folders end with "/". What Drover keeps for uploads is left out. */
export async function tree(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    if (path.startsWith('.drover-uploads')) continue;
    if (entry.isDirectory()) found[`${path}/`] = '';
    else found[path] = (await readFile(join(root, path))).toString('latin1');
  }
  return found;
}
