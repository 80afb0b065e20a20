/**
 * How fast a line to a target is, and so how much may be under way on it: a process that is killed leaves what it has
 * handed to its kernel to be sent, and all of that must have landed before the quiet time is over. As TCP's slow start,
 * and for the same reason, it begins small and opens with each answer that comes in time.
 */

/** What an unmeasured line is taken for, in bytes a millisecond: 64 kB/s, an ADSL uplink that others use, too. */
const SLOW = 64;
/** What the kernel takes from a process and sends after its death: the largest `net.ipv4.tcp_wmem` of Linux. */
const KERNEL_BYTES = 4 * 1024 * 1024;
/**
 * The longest wait, in milliseconds, after one write: the silence after which a living session gives up a write
 * (`replyMs` of IMAP). A line on which it takes longer has never carried such a write.
 */
const LONGEST_QUIET_MS = 120_000;
/** A window grows to so many times what was answered: not by one small answer that came at once. */
const GROWTH = 4;

/** What was answered, and since when: what an answer is measured from. */
interface Mark {
  readonly answered: number;
  readonly at: number;
}

/** What was sent and not yet answered. */
export interface UnderWay {
  /** The server has answered it. */
  answered(): void;
  /** The connection ended before. */
  lost(): void;
}

/** Of one session, over its connections. `now` is a clock in milliseconds that never goes back. */
export class LineRate {
  readonly #quietMs: number;
  readonly #now: () => number;
  #window: number;
  #measured = false;
  #underWay = 0;
  #mark: Mark = { answered: 0, at: 0 };

  constructor(quietMs: number, now: () => number = () => performance.now()) {
    this.#quietMs = quietMs;
    this.#now = now;
    this.#window = SLOW * this.#half;
  }

  /** Bytes that may be sent without an answer: what is answered within half of the quiet time, at the rate measured. */
  get window(): number {
    return this.#window;
  }

  /** Whether so many bytes may be sent now. What is larger than the window goes alone. */
  fits(bytes: number): boolean {
    return this.#underWay === 0 || this.#underWay + bytes <= this.#window;
  }

  /** To be called when the first of the bytes is handed over, and ended by one of the two calls that it returns. */
  sends(bytes: number): UnderWay {
    if (this.#underWay === 0) this.#mark = { answered: this.#mark.answered, at: this.#now() };
    this.#underWay += bytes;
    const from = this.#mark;
    return {
      answered: () => {
        this.#underWay -= bytes;
        this.#mark = { answered: this.#mark.answered + bytes, at: this.#now() };
        this.#learn(this.#mark.answered - from.answered, Math.max(1, this.#mark.at - from.at));
      },
      lost: () => {
        this.#underWay -= bytes;
      },
    };
  }

  /**
   * Milliseconds after which one message of so many bytes does not land any more, should the process die: twice what the
   * rate seen makes of it, since a line may become slower; once where nothing was seen, because that is taken for slow.
   */
  quietFor(bytes: number): number {
    const ms = (Math.min(bytes, KERNEL_BYTES) / this.#window) * this.#half;
    return Math.ceil(Math.max(this.#quietMs, Math.min(this.#measured ? 2 * ms : ms, LONGEST_QUIET_MS)));
  }

  get #half(): number {
    return this.#quietMs / 2;
  }

  /** `bytes` were answered in `ms`. Few of them that took a round trip do not prove that many would take longer. */
  #learn(bytes: number, ms: number): void {
    const window = Math.ceil((bytes / ms) * this.#half);
    this.#measured = true;
    if (window >= this.#window) this.#window = Math.min(window, Math.max(this.#window, GROWTH * bytes));
    else if (bytes >= this.#window / 4 || ms > this.#half) this.#window = window;
  }
}
