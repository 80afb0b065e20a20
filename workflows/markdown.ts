/** Foreign text in the Markdown of the Web UI: it is read, and makes no links, pictures, headings or lines of its own. */
import { visibleText } from '../words/visible-text.js';

/** Commands and options of our own stand between backticks, and hold no marks. */
const CODE_OR_MARK = /`[^`\\[\]<>*|]*`|[`\\[\]<>*|]/g;

/** The text on one line, its marks as letters. */
export function markdown(text: string): string {
  return visibleText(text).replace(CODE_OR_MARK, (found) => (found.length > 1 ? found : `\\${found}`));
}

/** A name: nothing in it is code, either. */
export const markdownName = (name: string): string => visibleText(name).replace(/[`\\[\]<>*|]/g, '\\$&');
