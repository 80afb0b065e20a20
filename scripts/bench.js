/** `npm run bench -- mail|mail-scale|dav [options]`: installs what is missing, builds, and compares with the peers. */
import { installAndBuild, requirePrograms, requireTemporal, run, say } from './prepare.js';

const [name, ...options] = process.argv.slice(2);
const claims = ['mail', 'mail-scale', 'dav'];
if (!claims.includes(name ?? '')) {
  say(`say which: npm run bench -- ${claims.join('|')} [options]; each file in bench/ explains its own`);
  process.exit(64);
}
installAndBuild();
requirePrograms(
  name === 'dav'
    ? [
        { program: 'radicale', debian: 'radicale' },
        { program: 'gunicorn', debian: 'gunicorn' },
        { program: 'xandikos', debian: 'xandikos' },
        { program: 'vdirsyncer', debian: 'vdirsyncer' },
      ]
    : [
        { program: 'dovecot', debian: 'dovecot-imapd' },
        { program: 'mbsync', debian: 'isync' },
      ],
);
await requireTemporal();
run(process.execPath, [`dist/bench/${name}.js`, ...options]);
