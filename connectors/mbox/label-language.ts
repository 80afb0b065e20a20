/** Whether the Gmail labels of a file are in a language that is known: one label of Gmail's own near its beginning tells. */
import type { FileWindow } from './file-window.js';
import { gmailFlags } from './gmail-labels.js';

const LOOK = 1 << 20;
const LABELS = /^x-gmail-labels:[ \t]*(.*(?:\r?\n[ \t].*)*)/gim;

const known = new WeakMap<FileWindow, Promise<boolean>>();

export async function knowsLabels(file: FileWindow): Promise<boolean> {
  const asked = known.get(file) ?? look(file);
  known.set(file, asked);
  return asked;
}

async function look(file: FileWindow): Promise<boolean> {
  const text = (await file.bytes(0, LOOK)).toString('latin1');
  for (const [, value = ''] of text.matchAll(LABELS))
    if (gmailFlags(value.replace(/\r?\n(?=[ \t])/g, '')).known) return true;
  return false;
}
