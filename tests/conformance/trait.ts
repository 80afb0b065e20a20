/** Runs a table of traits against one system. A waived trait must fail: a waiver that is no longer true fails the run. */
import { describe, expect, it } from 'vitest';

export interface World {
  close(): Promise<void>;
}

export type Trait<W extends World> = (world: W) => Promise<void>;

interface Session {
  close(): void;
}

export interface Suite<W extends World, T extends string> {
  /** The system, e.g. `imap on dovecot`. */
  readonly name: string;
  /** Makes an empty account of its own for each trait. */
  readonly world: () => Promise<W>;
  /** Traits this system cannot have, each with the reason. */
  readonly waived?: Partial<Record<T, string>> | undefined;
  /** Traits that this system has or has not, as it comes: it does not say which of two requests was first. */
  readonly atTimes?: Partial<Record<T, string>> | undefined;
}

/** For members of a world that a system may not offer. */
export function offered<F>(member: F | undefined, what: string): F {
  if (member === undefined) throw new Error(`this system does not offer ${what}`);
  return member;
}

export function runTraits<W extends World & { open(): Session }, T extends string>(
  role: string,
  { name, world, waived = {}, atTimes = {} }: Suite<W, T>,
  traits: Readonly<Record<T, Trait<W>>>,
): void {
  describe(`${role}: ${name}`, () => {
    for (const trait of Object.keys(traits) as T[]) {
      const reason = waived[trait];
      const racing = atTimes[trait];
      const remark = reason ? ` (waived: ${reason})` : racing ? ` (at times: ${racing})` : '';
      it(trait + remark, async () => {
        const there = await world();
        const sessions: Session[] = [];
        const watched = new Proxy(there, {
          get: (of, member) => {
            const value = Reflect.get(of, member);
            if (typeof value !== 'function') return value;
            if (member !== 'open') return value.bind(of);
            return () => {
              const session = of.open();
              sessions.push(session);
              return session;
            };
          },
        });
        try {
          if (racing !== undefined) await traits[trait](watched).catch(() => {});
          else if (reason === undefined) await traits[trait](watched);
          else await expect(traits[trait](watched), 'a waived trait holds: remove the waiver').rejects.toThrow();
        } finally {
          for (const session of sessions) session.close();
          await there.close();
        }
      });
    }
  });
}
