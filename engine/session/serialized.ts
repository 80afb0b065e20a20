/** Steps that several may ask for at once, made one after the other. */

/** A failure is the asker's alone: the next one's turn comes all the same. */
export function serialized(): <T>(step: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (step) => {
    const taken = turn.then(step);
    turn = taken.catch(() => {});
    return taken;
  };
}
