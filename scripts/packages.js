/** Debian packages for tests: installed beside other package managers, and no service of theirs is started. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { say } from './say.js';

/** What Debian asks before it starts or stops a service; 101 forbids it. See invoke-rc.d(8). */
const POLICY = '/usr/sbin/policy-rc.d';
/** In the file of ours, so that one that was left behind by a kill is known; the pid of its writer follows. */
const MARK = '# by the tests of drover, removed when they have installed their packages; process';
/** Longer than an unattended upgrade of a machine takes. */
const PATIENCE_MS = 20 * 60_000;
const LOOK_AGAIN_MS = 5_000;

/**
 * Needs root. Throws when a package cannot be installed; apt-get has said why by then.
 *
 * @param {readonly string[]} packages
 */
export function installPackages(packages) {
  const end = forbidServices();
  // Ctrl-C ends apt-get, and then this goes on to its end.
  const stay = () => {};
  process.on('SIGINT', stay);
  process.on('SIGTERM', stay);
  try {
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    // The package lists may be there already; they are fetched when they are not, or are old.
    if (apt(install, 'ignore') === 0) return;
    apt(['update', '-qq'], 'inherit');
    if (apt(install, 'inherit') !== 0) throw new Error(`apt-get could not install ${packages.join(' ')}`);
  } finally {
    end();
    process.off('SIGINT', stay);
    process.off('SIGTERM', stay);
  }
}

/**
 * Waits while another package manager works. Apt waits by itself only for one of the three locks that it takes.
 *
 * @param {readonly string[]} args
 * @param {'ignore' | 'inherit'} output
 */
function apt(args, output) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const options = ['-o', `DPkg::Lock::Timeout=${PATIENCE_MS / 1000}`];
  for (const deadline = Date.now() + PATIENCE_MS; ; pause(LOOK_AGAIN_MS)) {
    const { status, stderr, error } = spawnSync('apt-get', [...options, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', output, 'pipe'],
    });
    if (error) throw error;
    const locked = /Could not get lock|Unable to lock|Unable to acquire the dpkg frontend lock/.test(stderr);
    if (status !== 0 && locked && Date.now() < deadline) {
      say('another package manager is at work: waiting for it');
      continue;
    }
    if (output === 'inherit') process.stderr.write(stderr);
    return status ?? 1;
  }
}

/** @returns {() => void} allows them again */
function forbidServices() {
  const text = `#!/bin/sh\n${MARK} ${process.pid}\nexit 101\n`;
  for (const deadline = Date.now() + PATIENCE_MS; ; pause(LOOK_AGAIN_MS)) {
    try {
      writeFileSync(POLICY, text, { flag: 'wx', mode: 0o755 });
      return () => rmSync(POLICY, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = ownerOfPolicy();
    if (owner === 'not ours') {
      say(`${POLICY} is there already and stays: it decides whether services of new packages start`);
      return () => {};
    }
    if (owner === 'gone' || Date.now() > deadline) rmSync(POLICY, { force: true });
    else say(`tests in another folder install packages: waiting for them`);
  }
}

/** @returns {'not ours' | 'gone' | 'at work'} */
function ownerOfPolicy() {
  const pid = new RegExp(`^${MARK} (\\d+)$`, 'm').exec(readFileSync(POLICY, 'utf8'))?.[1];
  if (pid === undefined) return 'not ours';
  try {
    process.kill(Number(pid), 0);
    return 'at work';
  } catch {
    // No process has this pid: whoever wrote the file was killed.
    return 'gone';
  }
}

/** @param {number} ms */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
