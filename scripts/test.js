/** `npm test`: installs what is missing, real servers included, builds, and runs every test. Arguments go to vitest. */
import { spawnSync } from 'node:child_process';
import { installAndBuild, requirePrograms, requireTemporal, root, say } from './prepare.js';

try {
  installAndBuild();
  requirePrograms([
    { program: 'dovecot', debian: 'dovecot-imapd' },
    { program: 'mbsync', debian: 'isync' },
    { program: 'openssl', debian: 'openssl' },
    { program: 'radicale', debian: 'radicale' },
    { program: 'gunicorn', debian: 'gunicorn' },
    { program: 'xandikos', debian: 'xandikos' },
    { program: 'vdirsyncer', debian: 'vdirsyncer' },
    // Not apache2: that one would start a web server of its own on this machine.
    { program: 'apache2', debian: 'apache2-bin' },
  ]);
  await requireTemporal();
} catch (error) {
  // The command that failed has said why itself.
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
say('testing');
const tests = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(tests.status ?? 1);
