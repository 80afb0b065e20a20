/** Roles of folders in systems that do not tell them (RFC 6154 is for IMAP only): by the names programs use. */
import type { Role } from '../contract.js';

/** Earlier names are preferred where a mailbox has several of them. Lower case. */
const NAMES: Readonly<Record<Exclude<Role, 'inbox' | 'all' | 'flagged'>, readonly string[]>> = {
  sent: [
    'sent',
    'sent items',
    'sent messages',
    'sent mail',
    'gesendet',
    'gesendete elemente',
    'gesendete objekte',
    'envoyés',
    'éléments envoyés',
    'enviados',
    'elementos enviados',
    'inviati',
    'posta inviata',
    'verzonden',
    'verzonden items',
    'skickat',
    'sendt',
    'wysłane',
    'odeslané',
    'отправленные',
  ],
  drafts: [
    'drafts',
    'draft',
    'entwürfe',
    'brouillons',
    'borradores',
    'rascunhos',
    'bozze',
    'concepten',
    'utkast',
    'kladder',
    'wersje robocze',
    'koncepty',
    'черновики',
  ],
  trash: [
    'trash',
    'deleted items',
    'deleted messages',
    'bin',
    'papierkorb',
    'gelöschte elemente',
    'gelöschte objekte',
    'corbeille',
    'éléments supprimés',
    'papelera',
    'elementos eliminados',
    'lixeira',
    'cestino',
    'posta eliminata',
    'prullenbak',
    'verwijderde items',
    'papperskorgen',
    'kosz',
    'koš',
    'корзина',
  ],
  junk: [
    'junk',
    'spam',
    'junk e-mail',
    'junk mail',
    'bulk mail',
    'werbung',
    'unerwünscht',
    'courrier indésirable',
    'correo no deseado',
    'lixo eletrônico',
    'posta indesiderata',
    'ongewenste e-mail',
    'skräppost',
    'спам',
  ],
  archive: ['archive', 'archives', 'archiv', 'archivo', 'arquivo', 'archivio', 'archief', 'arkiv', 'archiwum', 'архив'],
};

/**
 * The role of each path that has one, by the path's JSON. Each role is given once, to the preferred name:
 * two folders with one role would be moved into one.
 */
export function rolesByName(paths: Iterable<readonly string[]>): ReadonlyMap<string, Role> {
  const all = [...paths];
  const roles = new Map<string, Role>();
  for (const path of all) if (path.length === 1 && path[0] === 'INBOX') roles.set(JSON.stringify(path), 'inbox');
  for (const [role, names] of Object.entries(NAMES) as [Role, readonly string[]][]) {
    for (const name of names) {
      const path = all.find((one) => isTop(one) && one[one.length - 1]?.normalize('NFC').toLowerCase() === name);
      if (!path) continue;
      roles.set(JSON.stringify(path), role);
      break;
    }
  }
  return roles;
}

/** Courier and others keep all folders below the inbox. */
function isTop(path: readonly string[]): boolean {
  return path.length === 1 || (path.length === 2 && path[0] === 'INBOX');
}
