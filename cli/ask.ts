/** One line that a person types. */
import type { Shell } from './shell.js';

/** Whether they type `word`; end of input, and anything else, is no. */
export async function isTyped(shell: Shell, word: string): Promise<boolean> {
  let typed = '';
  for await (const piece of shell.stdin) {
    typed += Buffer.from(piece).toString();
    if (typed.includes('\n') || typed.length > MAX_TYPED) break;
  }
  return typed.split(/\r?\n/)[0]?.trim() === word;
}

const MAX_TYPED = 10_000;
