/** Media types of files, told by the endings of their names alone. */
import mime from 'mime';
import { quote } from './diagnostic.js';
import { suggest } from './suggest.js';

/** Top-level types that some ending stands for (IANA's, without `example` and `multipart`; `chemical` is common). */
const FAMILIES = ['application', 'audio', 'chemical', 'font', 'image', 'message', 'model', 'text', 'video'];

/** Whether a name has an ending of one of the types: `application/pdf`, or all of a family with `image/*`. */
export function createTypeMatcher(types: readonly string[]): (name: string) => boolean {
  const families: string[] = [];
  const endings = new Set<string>();
  for (const type of types.map((each) => each.toLowerCase())) {
    if (type.endsWith('/*')) families.push(type.slice(0, -1));
    else for (const ending of mime.getAllExtensions(type) ?? []) endings.add(ending);
  }
  return (name) => {
    const ending = endingOf(name);
    if (ending === undefined) return false;
    const type = mime.getType(ending) ?? '';
    return endings.has(ending) || families.some((family) => type.startsWith(family));
  };
}

/** What is wrong with a media type, or nothing. */
export function mediaTypeProblem(type: string): string | undefined {
  const [family = '', name, ...more] = type.toLowerCase().split('/');
  if (name === undefined || name === '' || more.length > 0 || /[\s;]/.test(type)) {
    return `${quote(type)} is not a media type; write application/pdf or image/*`;
  }
  if (!FAMILIES.includes(family)) {
    const meant = suggest(family, FAMILIES);
    return `unknown media type ${quote(type)}${meant === undefined ? '' : `; did you mean ${quote(`${meant}/${name}`)}?`}`;
  }
  if (name === '*' || mime.getAllExtensions(type) !== null) return undefined;
  if (name.includes('*')) return `${quote(type)} is not a media type; only a whole family goes by "*", such as image/*`;
  const meant = mime.getType(name);
  const hint = meant?.startsWith(`${family}/`) ? `; did you mean ${quote(meant)}?` : '; choose by name with files';
  return `no ending of a name stands for the media type ${quote(type)}${hint}`;
}

/** `jpg` of `a/Photo.JPG`; names such as `.profile` have none. */
function endingOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const at = name.lastIndexOf('.');
  return at > 0 && at < name.length - 1 ? name.slice(at + 1).toLowerCase() : undefined;
}
