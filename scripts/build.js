/** Compiles to dist/ and puts beside it what is not TypeScript. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
chmodSync(`${root}/dist/cli/main.js`, 0o755);
cpSync(`${root}/ledger/migrations`, `${root}/dist/ledger/migrations`, { recursive: true });

// Bundled once here, so that a worker starts in half a second and without the bundler's memory.
const { bundleWorkflowCode } = await import('@temporalio/worker');
const quiet = { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} };
const { code } = await bundleWorkflowCode({ workflowsPath: `${root}/dist/workflows/index.js`, logger: quiet });
writeFileSync(`${root}/dist/workflows/bundle.js`, code);
