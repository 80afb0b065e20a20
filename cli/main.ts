#!/usr/bin/env node
import { main } from './run.js';
import { processShell } from './shell.js';

const { shell, release } = processShell();
process.exitCode = await main(shell);
release();
