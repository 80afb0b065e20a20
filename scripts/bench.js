/** `npm run bench -- mail|mail-scale|dav|files|idle|scale [options]`: installs what is missing, builds, and compares with the peers. */
import { installAndBuild, requirePrograms, requireTemporal, run } from './prepare.js';
import { say } from './say.js';

const [name, ...options] = process.argv.slice(2);
const claims = ['mail', 'mail-scale', 'dav', 'files', 'idle', 'scale'];
if (!claims.includes(name ?? '')) {
  say(`say which: npm run bench -- ${claims.join('|')} [options]; each file in bench/ explains its own`);
  process.exit(64);
}
installAndBuild();
requirePrograms(programs(name));
if (name !== 'scale') await requireTemporal();
run(process.execPath, [`dist/bench/${name}.js`, ...options]);

/**
 * The servers and the peers of a claim.
 *
 * @param {string | undefined} claim
 */
function programs(claim) {
  switch (claim) {
    case 'idle':
      return [];
    case 'dav':
      return [
        { program: 'radicale', debian: 'radicale' },
        { program: 'gunicorn', debian: 'gunicorn' },
        { program: 'xandikos', debian: 'xandikos' },
        { program: 'vdirsyncer', debian: 'vdirsyncer' },
      ];
    case 'files': {
      const apache = { program: 'apache2', debian: 'apache2-bin' };
      return process.env.DROVER_BENCH_RCLONE ? [apache] : [apache, { program: 'rclone', debian: 'rclone' }];
    }
    case 'scale':
      return [];
    default:
      return [
        { program: 'dovecot', debian: 'dovecot-imapd' },
        { program: 'mbsync', debian: 'isync' },
      ];
  }
}
