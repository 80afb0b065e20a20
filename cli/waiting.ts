/**
 * What a command waits for, said on stderr when it takes longer than a moment: on a terminal beside something that turns,
 * elsewhere in a line, once. Never on stdout.
 */
/** Where that is shown. */
export interface WaitingScreen {
  /** Whether stderr is a terminal. */
  readonly isTty: boolean;
  readonly columns: number;
  /** Writes a line. */
  line(text: string): void;
  /** Writes over the line that the cursor is in; without a line end. */
  over(text: string): void;
}

export interface Waiting {
  /** Says what is waited for, from a second on, until the work ends. `words` are asked anew each time they are shown. */
  during<T>(words: string | (() => string), work: Promise<T>): Promise<T>;
  /** The same, until the answer is called. */
  begin(words: string | (() => string)): () => void;
  /** Shows nothing until it is called with false: something else draws on the same terminal. */
  mute(isMuted: boolean): void;
  /** Something else is about to be written. */
  clear(): void;
}

const SHOWN_AFTER_MS = 1_000;
const TOLD_AFTER_MS = 4_000;
const TURN_MS = 120;
const TURNS = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

interface Wait {
  readonly words: () => string;
  readonly since: number;
}

export function createWaiting(screen: WaitingScreen, now: () => number = Date.now): Waiting & { tick(): void } {
  const waits = new Set<Wait>();
  const told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isDrawn = false;
  let turn = 0;
  let isMuted = false;

  const clear = (): void => {
    // ECMA-48: to the first column, then erase to the end of the line.
    if (isDrawn) screen.over('\r\u001b[K');
    isDrawn = false;
  };
  const draw = (words: string, ms: number): void => {
    const text = `waiting for ${words} (${Math.floor(ms / 1000)} s)`;
    screen.over(`\r\u001b[K${TURNS[turn++ % TURNS.length]} ${cut(text, screen.columns - 3)}`);
    isDrawn = true;
  };
  const tick = (): void => {
    // What has taken longest; those that were begun meanwhile may be its parts.
    const [wait] = waits;
    const words = wait?.words() ?? '';
    const ms = wait ? now() - wait.since : 0;
    if (words === '' || isMuted) clear();
    else if (screen.isTty && ms >= SHOWN_AFTER_MS) draw(words, ms);
    else if (!screen.isTty && ms >= TOLD_AFTER_MS && !told.has(withoutNumbers(words))) {
      told.add(withoutNumbers(words));
      screen.line(`waiting for ${words}`);
    }
  };
  const begin = (words: string | (() => string)): (() => void) => {
    const wait = { words: typeof words === 'string' ? () => words : words, since: now() };
    waits.add(wait);
    timer ??= setInterval(tick, TURN_MS).unref();
    return () => {
      waits.delete(wait);
      if (waits.size > 0) return;
      clearInterval(timer);
      timer = undefined;
      clear();
    };
  };
  return {
    tick,
    clear,
    begin,
    async during(words, work) {
      const end = begin(words);
      try {
        return await work;
      } finally {
        end();
      }
    },
    mute(muted) {
      clear();
      isMuted = muted;
    },
  };
}

/** Addresses and hosts: a letter is a column. */
const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;

/** What only counts on is told once in a log. */
const withoutNumbers = (words: string): string => words.replace(/\d[\d,]*/g, '#');
