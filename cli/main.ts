#!/usr/bin/env node
import { exitCodes } from './exit-codes.js';
import { main } from './run.js';
import { processShell } from './shell.js';

const { shell, release } = processShell();
process.exitCode = await main(shell);
release();
// What was under way is not waited for.
if (process.exitCode === exitCodes.interrupted) process.exit();
