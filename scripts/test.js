/**
 * The tiers of tests (CONTRIBUTING.md): `npm run quick`, `npm test`, `npm run test:deep`, `npm run soak`. Installs what is
 * missing, real servers included, builds, and runs them. Arguments go to vitest; with one that names files, these are
 * run, whatever their tier.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { installAndBuild, requirePrograms, requireTemporal, root } from './prepare.js';
import { say } from './say.js';

const VITEST = 'node_modules/vitest/vitest.mjs';
/** How often `npm run soak` plays what is random, unless SOAK_ROUNDS says otherwise. */
const ROUNDS = 5;

/** SOGo and DAViCal, which is PHP: a file of it stands for its package. */
const DAVICAL = '/usr/share/davical/htdocs/caldav.php';
const GROUPWARE = [
  { program: 'sogod', debian: 'sogo' },
  { program: 'psql', debian: 'postgresql-client' },
  { program: 'php', debian: 'php-cli' },
  { program: DAVICAL, debian: 'davical' },
  { program: DAVICAL, debian: 'php-curl' },
];

const [tier, ...args] = process.argv.slice(2);
const files = args.some((arg) => !arg.startsWith('-') && /\/|\.ts$/.test(arg));
/** Some 30 seconds and 120 MB more on a new machine: only where they are used. */
const usesGroupware = files ? args.some((arg) => /sogo|davical/.test(arg)) : tier === 'deep' || tier === 'soak';

try {
  installAndBuild();
  if (tier !== 'quick') {
    requirePrograms([
      { program: 'dovecot', debian: 'dovecot-imapd' },
      { program: 'mbsync', debian: 'isync' },
      { program: 'openssl', debian: 'openssl' },
      { program: 'radicale', debian: 'radicale' },
      { program: 'gunicorn', debian: 'gunicorn' },
      { program: 'xandikos', debian: 'xandikos' },
      { program: 'vdirsyncer', debian: 'vdirsyncer' },
      { program: 'apache2', debian: 'apache2-bin' },
      ...(usesGroupware ? GROUPWARE : []),
    ]);
    await requireTemporal();
  }
} catch (error) {
  // The command that failed has said why itself.
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

if (tier === 'quick') finish(vitest(files ? [] : ['quick']));
if (tier === 'test') finish(vitest(files ? [] : ['quick', 'real']));
if (tier === 'deep') {
  const newer = files ? 0 : onNode24();
  finish(newer || vitest(files ? [] : ['deep']));
}
if (tier === 'soak') {
  const rounds = Number(process.env.SOAK_ROUNDS ?? ROUNDS);
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    const status = vitest([], files ? [] : seeded());
    if (status !== 0) finish(status);
  }
  finish(0);
}
say(`there is no tier "${tier}": quick, test, deep or soak`);
process.exit(2);

/**
 * @param {readonly string[]} projects those of vitest.config.ts; none: all
 * @param {readonly string[]} filters parts of paths
 * @param {readonly string[]} node the program
 */
function vitest(projects, filters = [], node = [process.execPath]) {
  say(`testing${projects.length > 0 ? `: ${projects.join(', ')}` : ''}`);
  const [command, ...before] = node;
  const named = projects.flatMap((project) => ['--project', project]);
  const { status, error } = spawnSync(command, [...before, VITEST, 'run', ...named, ...filters, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error) throw error;
  return status ?? 1;
}

/** The connectors on the newest Node that people run: their conformance is what a change of Node breaks first. */
function onNode24() {
  say('the suites of the connectors on Node 24');
  return vitest(['quick', 'real'], ['.conformance.'], ['npx', '-y', '-p', 'node@24', 'node']);
}

/** The test files that take a seed: each round has one of its own, which the names of the tests say. */
function seeded() {
  return execFileSync('git', ['grep', '-l', 'TEST_SEED', '--', '*.test.ts'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n');
}

/** @param {number} status */
function finish(status) {
  process.exit(status);
}
