/** The page as a browser shows it: on a desk, a tablet, a phone and paper, light and dark, with names that hurt. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../tests/browser/chromium.js';
import { startChromium } from '../tests/browser/chromium.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { fillHostileLedger } from './hostile-ledger.js';
import { writeReport } from './write-report.js';

let server: LedgerServer;
let browser: Browser;
let folder: string;
let html: string;
beforeAll(async () => {
  server = await startLedger();
  folder = await mkdtemp(join(tmpdir(), 'drover-report-'));
  await fillHostileLedger(server.ledger);
  const written = await writeReport(server.ledger, { migration: 'acme', folder });
  html = written?.html ?? '';
  browser = await startChromium();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What stands beside the window, or is wider than the box that it stands in, folded parts unfolded. */
const TOO_WIDE = `(() => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  const words = (element) => element.tagName + ' ' + element.textContent.slice(0, 60);
  const out = [...document.querySelectorAll('body *')].filter((element) => {
    const { right, left } = element.getBoundingClientRect();
    return right > innerWidth + 0.5 || left < -0.5;
  });
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page: ' + document.documentElement.scrollWidth] : [];
  return [...wide, ...out.slice(0, 3).map(words)];
})()`;

describe('the page', () => {
  it.each([1280, 1101, 768, 375, 320])('is no wider than a window of %i, with any name', async (width) => {
    await browser.open(html, { width });

    expect(await browser.evaluate(TOO_WIDE)).toEqual([]);
  });

  it('is no wider than a sheet of paper', async () => {
    await browser.open(html, { width: 700, media: 'print' });

    expect(await browser.evaluate(TOO_WIDE)).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('can be read: contrast of all text in %s', async (scheme) => {
    await browser.open(html, { width: 1280, scheme });

    expect(await browser.evaluate(TOO_FAINT)).toEqual([]);
  });
});

/** Text below the contrast of WCAG AA, 4.5 to 1. */
const TOO_FAINT = `(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const element of document.querySelectorAll('body *:not(title)')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')) continue;
    const style = getComputedStyle(element);
    const ink = parts(element instanceof SVGElement ? style.fill : style.color);
    const [light, dark] = [luminance(ink), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) faint.add(element.tagName + '.' + element.getAttribute('class') + ' ' + ratio.toFixed(2));
  }
  return [...faint];
})()`;
