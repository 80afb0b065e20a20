/** Names that a Nextcloud keeps (lib/private/Files/FilenameValidator.php, version 30). */
import { refusals } from './nextcloud-answers.js';

export interface NameSettings {
  /** config.php: what an administrator forbids beside `\` and `/`. */
  readonly characters?: readonly string[];
  readonly names?: readonly string[];
  readonly basenames?: readonly string[];
  readonly extensions?: readonly string[];
}

/** As the capabilities tell them. */
export function forbidden(settings: NameSettings = {}) {
  return {
    characters: ['\\', '/', ...(settings.characters ?? [])],
    names: settings.names ?? ['.htaccess'],
    basenames: settings.basenames ?? [],
    extensions: [...(settings.extensions ?? ['.filepart']), '.part'],
  };
}

/** Throws the refusal of a name. */
export function checkName(name: string, settings: NameSettings | undefined): void {
  const { characters, names, basenames, extensions } = forbidden(settings);
  if (['', '.', '..'].includes(name.trim())) throw refusals.invalidPath('Dot files are not allowed');
  if (Buffer.byteLength(name) > 250) throw refusals.invalidPath('File name is too long');
  const lower = name.toLowerCase();
  const dot = lower.indexOf('.', 1);
  if (names.includes(lower) || basenames.includes(dot === -1 ? lower : lower.slice(0, dot)))
    throw refusals.invalidPath(`"${name}" is a forbidden file or folder name.`);
  const extension = extensions.find((one) => lower.endsWith(one));
  if (extension !== undefined) throw refusals.invalidPath(`"${extension}" is a forbidden file type.`);
  const character = characters.find((one) => name.includes(one));
  if (character !== undefined || /\p{Cc}/u.test(name))
    throw refusals.invalidPath(`"${character}" is not allowed inside a file or folder name.`);
}
