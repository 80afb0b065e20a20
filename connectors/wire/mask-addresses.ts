/** Addresses of people in what a server said. One pass: each word is looked at once, however long it is. */

const WORD = /[^\s<>"'(),;:]+/g;

/** Every `somebody@somewhere` as `mask`; a name before it, as in `user=anna@example.org`, stays. */
export function maskAddresses(text: string, mask: string): string {
  return text.replace(WORD, (word) => {
    const before = word.search(/[^=]@./);
    return before === -1 ? word : word.slice(0, word.lastIndexOf('=', before) + 1) + mask;
  });
}
