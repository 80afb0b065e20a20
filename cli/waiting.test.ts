import { expect, it } from 'vitest';
import { createWaiting } from './waiting.js';

/** A screen that is written down, and a clock that is set. */
function begin(isTty: boolean) {
  let now = 0;
  const lines: string[] = [];
  const drawn: string[] = [];
  const waiting = createWaiting(
    { isTty, columns: 40, line: (text) => lines.push(text), over: (text) => drawn.push(text) },
    () => now,
  );
  const at = (ms: number): void => {
    now = ms;
    waiting.tick();
  };
  return { waiting, lines, drawn, at };
}

it('turns on a terminal from a second on, fits the line, and leaves nothing behind', async () => {
  const { waiting, lines, drawn, at } = begin(true);
  let end = (): void => {};
  const work = waiting.during(
    `Temporal at ${'x'.repeat(100)}`,
    new Promise<void>((resolve) => {
      end = resolve;
    }),
  );

  at(900);
  expect(drawn).toEqual([]);
  at(1_100);
  expect(drawn).toEqual([expect.stringMatching(/⠋ waiting for Temporal at x+…$/)]);
  expect((drawn[0] as string).length).toBeLessThanOrEqual(40 + '\r\u001b[K'.length);
  waiting.clear();
  at(1_300);
  end();
  await work;

  expect(drawn.at(-1)).toBe('\r\u001b[K');
  expect(lines).toEqual([]);
});

it('says it once in a line elsewhere, after some seconds, whatever it counts', () => {
  const { waiting, lines, drawn, at } = begin(false);
  let words = 'a worker to answer';
  const end = waiting.begin(() => words);

  at(3_000);
  expect(lines).toEqual([]);
  for (const ms of [4_500, 5_000, 60_000]) at(ms);
  words = 'the worker on host7';
  at(61_000);
  end();
  at(70_000);

  expect(lines).toEqual(['waiting for a worker to answer', 'waiting for the worker on host7']);
  expect(drawn).toEqual([]);
});

it('is silent while something else draws there', () => {
  const { waiting, drawn, at } = begin(true);
  const end = waiting.begin('Temporal');
  waiting.mute(true);
  at(5_000);
  expect(drawn).toEqual([]);
  waiting.mute(false);
  at(5_100);
  end();

  expect(drawn).toHaveLength(2);
});

it('tells in a log once what only counts on', async () => {
  const { waiting, lines, at } = begin(false);
  let tried = 10;
  const end = waiting.begin(() => `the worker, at work on the doctor: ${tried} of 2,000 logins tried`);

  at(4_100);
  tried = 1_340;
  at(5_100);
  end();

  expect(lines).toEqual(['waiting for the worker, at work on the doctor: 10 of 2,000 logins tried']);
});
