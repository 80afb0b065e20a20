/** What `npm test` and `npm run demo` need before they begin, on a machine that has only Node. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './packages.js';
import { say } from './say.js';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages, when none are there or the lock file is newer; then the compiled program. */
export function installAndBuild() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (!existsSync(marker) || statSync(marker).mtimeMs < statSync(lock).mtimeMs) {
    say('installing packages (npm ci)');
    run('npm', ['ci', '--no-audit', '--no-fund']);
  }
  say('building');
  run(process.execPath, ['scripts/build.js']);
}

/**
 * The real servers that tests talk to, as Debian packages. As root they are installed, and none is started; otherwise
 * this says what to install and throws.
 *
 * @param {readonly { program: string, debian: string }[]} wanted
 */
export function requirePrograms(wanted) {
  const missing = wanted.filter(({ program }) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debian }) => debian))];
  if (process.getuid?.() === 0 && isInstalled('apt-get')) {
    say(`installing ${packages.join(' ')} (apt-get)`);
    installPackages(packages);
    return;
  }
  throw new Error(
    `${missing.map(({ program }) => program).join(', ')} not found: install with \`sudo apt-get install --no-install-recommends ${packages.join(' ')}\`, or run this as root`,
  );
}

/**
 * Finds Temporal's dev server or brings it, so that no test has to wait for that. The tests then take it
 * from where it is.
 */
export async function requireTemporal() {
  const { findTemporal } = await import(new URL('../dist/worker/stack/temporal-binary.js', import.meta.url).href);
  const { from, path } = await findTemporal(process.env, say, new AbortController().signal);
  say(`Temporal's dev server comes from ${from}`);
  process.env.TEMPORAL_CLI_PATH = path;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
export function run(command, args, env = process.env) {
  execFileSync(command, args, { cwd: root, stdio: 'inherit', env });
}

/** @param {string} program in a folder of programs, or the whole path of a file */
function isInstalled(program) {
  if (isAbsolute(program)) return existsSync(program);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder; perhaps in the next.
      return false;
    }
  });
}
