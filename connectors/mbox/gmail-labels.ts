/**
 * X-Gmail-Labels of Google Takeout. Gmail's own labels are written in the language of the account: what they mean is
 * known for the languages below. In others nothing tells "unread" from a person's own label.
 */

/** In the order English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic, Polish, Czech, Russian, Turkish, Japanese, Chinese, Korean. */
const UNREAD =
  'Unread|Ungelesen|Non lus|Non lu|Messages non lus|No leídos|No leído|Da leggere|Non letti|Non letto|Não lidos|Não lidas|Não lido|Não lida|Ongelezen|Oläst|Olästa|Ulest|Uleste|Ulæst|Ulæste|Lukematon|Lukematta|Lukemattomat|Nieprzeczytane|Nepřečtené|Neprečítané|Olvasatlan|Necitite|Непрочитанные|Непрочитано|Непрочитані|Okunmamış|Okunmadı|未読|未读|未讀|읽지않음|읽지 않음';
const OPENED =
  'Opened|Geöffnet|Ouvert|Ouverts|Messages ouverts|Abierto|Abiertos|Aperto|Aperti|Aberto|Abertos|Aberta|Abertas|Geopend|Öppnad|Öppnade|Öppnat|Åpnet|Åpnede|Åbnet|Åbnede|Avattu|Avatut|Otwarte|Otworzono|Otevřené|Otevřeno|Otvorené|Megnyitva|Megnyitott|Deschise|Открытые|Открыто|Відкриті|Açıldı|Açılmış|Açılan|開封済み|已打开|已打開|已開啟|열림|열어봄';
const STARRED =
  'Starred|Markiert|Suivis|Messages suivis|Favoris|Destacados|Con estrella|Speciali|Com estrela|Met ster|Stjärnmärkt|Stjärnmärkta|Stjernemerket|Stjernemarkeret|Tähdellä merkityt|Oznaczone gwiazdką|S hvězdičkou|Csillagozott|Помеченные|Із зірочкою|Yıldızlı|スター付き|已加星标|已加星號|별표편지함';
const DRAFTS =
  'Draft|Drafts|Entwurf|Entwürfe|Brouillon|Brouillons|Borrador|Borradores|Bozza|Bozze|Rascunho|Rascunhos|Concept|Concepten|Utkast|Kladde|Kladder|Luonnokset|Wersje robocze|Koncepty|Piszkozatok|Черновики|Чернетки|Taslaklar|下書き|草稿|임시보관함';
const IMPORTANT =
  'Important|Wichtig|Importants|Importante|Importantes|Importanti|Belangrijk|Viktigt|Viktig|Vigtig|Vigtigt|Tärkeät|Ważne|Důležité|Fontos|Важное|Важливо|Önemli|重要|重要邮件|重要郵件|중요편지함';
const SPAM = 'Spam|Courrier indésirable|Lixo eletrônico|Roskaposti|Спам|迷惑メール|垃圾邮件|垃圾郵件|스팸함';
/** Where a message is: its folder tells that. */
const PLACES =
  'Inbox|Sent|Sent Mail|Archived|Trash|Chat|Posteingang|Gesendet|Archiviert|Papierkorb|Boîte de réception|Messages envoyés|Envoyé|Envoyés|Archivés|Messages archivés|Corbeille|Recibidos|Enviados|Enviado|Archivado|Archivados|Papelera|Posta in arrivo|In arrivo|Inviati|Posta inviata|Archiviati|Archiviato|Cestino|Caixa de entrada|E-mails enviados|Arquivado|Arquivados|Arquivadas|Lixeira|Lixo|Postvak IN|Verzonden|Gearchiveerd|Prullenbak|Inkorgen|Skickat|Arkiverat|Arkiverade|Papperskorgen|Innboks|Sendt|Arkivert|Papirkurv|Indbakke|Arkiveret|Postilaatikko|Saapuneet|Lähetetyt|Arkistoitu|Roskakori|Odebrane|Wysłane|Zarchiwizowane|Kosz|Doručené|Doručená pošta|Odeslané|Odeslaná pošta|Archivované|Archivováno|Koš|Beérkező levelek|Elküldött|Archivált|Kuka|Входящие|Отправленные|Архив|Архивировано|Корзина|Вхідні|Надіслані|Архівовано|Кошик|Gelen Kutusu|Gönderilmiş Postalar|Arşivlendi|Çöp Kutusu|受信トレイ|送信済み|アーカイブ済み|ゴミ箱|收件箱|已发邮件|已归档|已删除邮件|收件匣|寄件備份|已封存|垃圾桶|받은편지함|보낸편지함|보관됨|휴지통';
/** "Category Updates", "Kategorie: Werbung", "Catégorie : E-mails personnels". */
const CATEGORY =
  /^(?:Category|Kategorie|Catégorie|Categoría|Categoria|Categorie|Kategori|Luokka|Kategoria|Kategória|Категория|Категорія|カテゴリ|类别|類別|카테고리)[\s:：「"]/iu;

const PARTS = { UNREAD, OPENED, STARRED, DRAFTS, IMPORTANT, SPAM, PLACES };
type Meaning = keyof typeof PARTS;
const MEANINGS = new Map(
  Object.entries(PARTS).flatMap(([meaning, names]) =>
    names.split('|').map((name) => [name.toLowerCase(), meaning as Meaning] as const),
  ),
);
const FLAGS: Partial<Record<Meaning, string>> = {
  STARRED: '\\Flagged',
  DRAFTS: '\\Draft',
  IMPORTANT: '$Important',
  SPAM: '$Junk',
};

export interface GmailFlags {
  /** People's own labels are keywords. Without a word on whether the message was read. */
  readonly flags: readonly string[];
  /** Undefined: these labels do not tell. */
  readonly seen: boolean | undefined;
  /** One of Gmail's own labels is among them, so that their language is known. */
  readonly known: boolean;
}

/** `value`: the header field, unfolded, as latin1. */
export function gmailFlags(value: string): GmailFlags {
  const flags: string[] = [];
  const meanings = new Set<Meaning>();
  let known = false;
  for (const label of labelsOf(value)) {
    const meaning = MEANINGS.get(label.replace(/\s+/gu, ' ').toLowerCase());
    if (meaning) meanings.add(meaning);
    if (meaning || CATEGORY.test(label)) known = true;
    const flag = meaning ? FLAGS[meaning] : CATEGORY.test(label) ? undefined : label;
    if (flag !== undefined) flags.push(flag);
  }
  return { flags, known, seen: meanings.has('UNREAD') ? false : meanings.has('OPENED') ? true : undefined };
}

/** Labels are parted by commas; one with a comma in it stands in quotes. */
function labelsOf(value: string): string[] {
  const labels = decodedWords(value).matchAll(/\s*(?:"([^"]*)"|([^,]*))\s*(?:,|$)/g);
  return [...labels].map(([, quoted, plain]) => (quoted ?? plain ?? '').trim()).filter((label) => label !== '');
}

/** RFC 2047 encoded words in UTF-8, which is what Takeout writes; bare 8-bit text is UTF-8 too. */
function decodedWords(value: string): string {
  const joined = value.replace(/\?=\s{1,80}=\?/g, '?==?');
  let bytes = '';
  let from = 0;
  for (const word of joined.matchAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi)) {
    const [all, how = '', text = ''] = word;
    bytes += joined.slice(from, word.index) + (how.toLowerCase() === 'b' ? unbased(text) : unquoted(text));
    from = word.index + all.length;
  }
  // Joined as bytes: a word may end in the middle of a letter.
  return Buffer.from(bytes + joined.slice(from), 'latin1').toString();
}

function unbased(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}

function unquoted(text: string): string {
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
