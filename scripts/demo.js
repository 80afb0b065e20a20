/** `npm run demo [-- --keep]`: installs what is missing, builds, and runs the demo. */
import { spawn } from 'node:child_process';
import { installAndBuild, requireTemporal, root } from './prepare.js';
import { say } from './say.js';

try {
  installAndBuild();
  await requireTemporal();
} catch (error) {
  // The command that failed has said why itself.
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
const demo = spawn(process.execPath, ['dist/worker/stack/demo.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// A terminal sends Ctrl-C to both: the demo decides, and this one waits for it. A plain kill is passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => demo.kill('SIGTERM'));
demo.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
