/** Foreign text (names of folders and files, replies of servers) where a person reads it: nothing in it acts unseen. */

/**
 * What drives a terminal, turns the direction of reading, or shows nothing at all: controls, line separators, marks of
 * direction, blanks without width, tags, fillers.
 */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Joiners and variants have a part in how emoji, Arabic and the scripts of India are written. */
const JOINING = new Set(['\u200c', '\u200d', '\ufe0e', '\ufe0f']);
const JOINED =
  /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Emoji_Component}\p{M}]|(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{L}/u;

/** The text with what is not seen written as `\u200e`. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (character, at: number) => {
    if (JOINING.has(character) && JOINED.test(characterBefore(text, at))) return character;
    const code = (character.codePointAt(0) as number).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

function characterBefore(text: string, at: number): string {
  const last = text.charCodeAt(at - 1);
  const isPair = last >= 0xdc00 && last <= 0xdfff;
  return text.slice(Math.max(0, isPair ? at - 2 : at - 1), at);
}
