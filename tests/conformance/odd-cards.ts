/**
 * vCards that real address books hold and that tools have lost, doubled or refused. Names say the version and what is
 * odd; those that begin with `broken` are not valid, all others are. Each has its own UID, and CRLF line ends.
 */

const joined = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`);

const card = (version: string, uid: string, lines: readonly string[]): Buffer =>
  joined(['BEGIN:VCARD', `VERSION:${version}`, `UID:${uid}`, ...lines, 'END:VCARD']);

const v21 = (uid: string, lines: readonly string[]): Buffer => card('2.1', uid, lines);
const v3 = (uid: string, lines: readonly string[]): Buffer => card('3.0', uid, lines);
const v4 = (uid: string, lines: readonly string[]): Buffer => card('4.0', uid, lines);

/** Folds at 75 characters; the samples folded by it are ASCII. */
function folded(line: string): string[] {
  const lines = [line.slice(0, 75)];
  for (let at = 75; at < line.length; at += 74) lines.push(` ${line.slice(at, at + 74)}`);
  return lines;
}

/** A real JPEG of one pixel, so that servers and address books that look inside accept it. */
const PHOTO =
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/' +
  'wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEI' +
  'I0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKz' +
  'tLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AL+A/9k=';

const pad = (n: number): string => String(n).padStart(6, '0');

/** A plain contact of version 3.0; every number has its own UID, name, address and telephone. */
function plain(n: number): Buffer {
  return v3(`plain-${pad(n)}@cards.example`, [
    `N:Number ${n};Person;;;`,
    `FN:Person Number ${n}`,
    `EMAIL;TYPE=INTERNET:person${n}@cards.example`,
    `TEL;TYPE=CELL:+49 170 ${pad(n)}`,
    `ORG:Example ${n % 40};Sales`,
  ]);
}

export { plain as card };

export const oddCards: Record<string, Buffer> = {
  '3.0 plain': v3('plain@odd.example', ['N:Weber;Anna;;;', 'FN:Anna Weber', 'EMAIL:anna@odd.example']),
  '3.0 several values with types': v3('types@odd.example', [
    'N:Weber;Anna;Maria,Luise;Dr.;MBA,PhD',
    'FN:Dr. Anna Weber',
    'EMAIL;TYPE=INTERNET,WORK,PREF:anna@work.example',
    'EMAIL;TYPE=INTERNET;TYPE=HOME:anna@home.example',
    'EMAIL;TYPE=internet:Anna+Lists@Home.Example',
    'TEL;TYPE=WORK,VOICE,PREF:+49 30 1234-0',
    'TEL;TYPE=WORK,FAX:+49 30 1234-99',
    'TEL;TYPE=CELL:0170 / 1234567',
    'TEL;TYPE=HOME,VOICE:+49 30 765',
    'ADR;TYPE=WORK,PARCEL,POSTAL:;Room 4;Main Street 1\\, rear;Berlin;;10115;Germany',
    'ADR;TYPE=HOME:PO Box 7;;;Potsdam;Brandenburg;14467;Germany',
    'LABEL;TYPE=HOME:PO Box 7\\n14467 Potsdam',
  ]),
  '3.0 a photo inside': v3('photo3@odd.example', [
    'N:Photo;Inside;;;',
    'FN:Inside Photo',
    ...folded(`PHOTO;ENCODING=b;TYPE=JPEG:${PHOTO}`),
  ]),
  '3.0 a photo elsewhere': v3('photo-uri@odd.example', [
    'N:Photo;Elsewhere;;;',
    'FN:Elsewhere Photo',
    'PHOTO;VALUE=uri:https://photos.example/a;b,c.jpg?x=1',
    'LOGO;VALUE=uri:https://photos.example/logo.png',
  ]),
  '3.0 Apple’s labels and groups': v3('apple@odd.example', [
    'N:Apple;Label;;;',
    'FN:Label Apple',
    'item1.EMAIL;type=INTERNET:label@odd.example',
    'item1.X-ABLabel:Newsletter',
    'item2.TEL;type=pref:+1 (555) 010-0000',
    'item2.X-ABLabel:_$!<HomePage>!$_',
    'item3.ADR;type=HOME;type=pref:;;1 Infinite Loop;Cupertino;CA;95014;USA',
    'item3.X-ABADR:us',
    'item4.X-ABDATE;type=pref:2011-09-24',
    'item4.X-ABLabel:_$!<Anniversary>!$_',
    'item5.X-ABRELATEDNAMES;type=pref:Jo',
    'item5.X-ABLabel:_$!<Spouse>!$_',
    'X-ABShowAs:COMPANY',
    'X-SOCIALPROFILE;type=twitter;x-user=label:https://social.example/label',
    'IMPP;X-SERVICE-TYPE=Jabber;type=HOME:xmpp:label@odd.example',
  ]),
  '3.0 a birthday without a year, as Apple writes it': v3('bday-apple@odd.example', [
    'N:Birth;Day;;;',
    'FN:Day Birth',
    'BDAY;X-APPLE-OMIT-YEAR=1604;VALUE=date:1604-02-29',
  ]),
  '3.0 a birthday with time and zone': v3('bday-time@odd.example', [
    'N:Birth;Time;;;',
    'FN:Time Birth',
    'BDAY;VALUE=date-time:1970-04-01T23:30:00-05:00',
    'TZ:-05:00',
    'GEO:37.386013;-122.082932',
  ]),
  '3.0 names of other scripts': v3('scripts@odd.example', [
    'N:山田;太郎;;;',
    'FN:山田太郎',
    'SORT-STRING:ヤマダ',
    'X-PHONETIC-FIRST-NAME:たろう',
    'NICKNAME:Tarō,Та́ро,طارو,👩‍👩‍👧',
    'ORG:Größe & Söhne KG;Ñandú\\; Abteilung',
    'NOTE:Cafe\u0301 and Café are two spellings',
  ]),
  '3.0 everything escaped': v3('escapes@odd.example', [
    'N:O\\;Neil;A\\,B,C;;;',
    'FN:A\\,B O\\;Neil',
    'NOTE:first\\nsecond\\Nthird\\, with a comma\\; a semicolon: a colon\\\\ and "quotes"',
    'CATEGORIES:One\\, indeed,Two,Three',
    'URL:http\\://odd.example/a\\,b',
    'X-NOTE;X-P="a;b:c,d":\\\\n is not a line end',
  ]),
  '3.0 a company without a person': v3('company@odd.example', [
    'N:;;;;',
    'FN:Example Works',
    'ORG:Example Works;',
    'X-ABShowAs:COMPANY',
    'TEL:110',
  ]),
  '3.0 no e-mail address': v3('noemail@odd.example', ['N:Mail;No;;;', 'FN:No Mail', 'TEL;TYPE=WORK:112']),
  '3.0 the same value twice': v3('twice@odd.example', [
    'N:Twice;Said;;;',
    'FN:Said Twice',
    'EMAIL:said@odd.example',
    'EMAIL:said@odd.example',
    'TEL;TYPE=CELL:1',
    'TEL;TYPE=HOME:1',
  ]),
  '3.0 a group, as Apple’s server keeps it': v3('group3@odd.example', [
    'N:Team;;;;',
    'FN:Team',
    'X-ADDRESSBOOKSERVER-KIND:group',
    'X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:types@odd.example',
    'X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:plain@odd.example',
  ]),
  '3.0 an agent inside': v3('agent3@odd.example', [
    'N:Boss;The;;;',
    'FN:The Boss',
    'AGENT:BEGIN:VCARD\\nFN:Susan Thomas\\nTEL:+1-919-555-1234\\nEND:VCARD\\n',
  ]),
  '3.0 a key and a sound': v3('key@odd.example', [
    'N:Key;Public;;;',
    'FN:Public Key',
    'KEY;ENCODING=b;TYPE=PGP:LS0tLS1CRUdJTiBQR1AgUFVCTElDIEtFWSBCTE9DSy0tLS0t',
    'SOUND;VALUE=uri:https://sounds.example/name.ogg',
    'CLASS:PRIVATE',
    'MAILER:Post 1.0',
    'PRODID:-//Other Corp//Book 2//EN',
    'REV:2026-01-05T08:00:00Z',
  ]),
  '3.0 empty properties': v3('empty@odd.example', [
    'N:Empty;;;;',
    'FN:Empty',
    'NOTE:',
    'TEL:',
    'ADR:;;;;;;',
    'X-EMPTY:',
    'TITLE: ',
  ]),
  '3.0 a long note': v3('long@odd.example', [
    'N:Long;Note;;;',
    'FN:Note Long',
    ...folded(`NOTE:${'All work and no play makes a long note. '.repeat(250)}`),
  ]),
  '3.0 a UID with odd characters': v3("{Odd/UID}: with spaces & 'quotes' + 100% ä#?", ['N:Uid;Odd;;;', 'FN:Odd Uid']),
  '3.0 a urn as UID': v3('urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1', ['N:Urn;;;;', 'FN:Urn']),
  '3.0 names in lower case': joined([
    'begin:vcard',
    'version:3.0',
    'uid:lower@odd.example',
    'n:Small;Letters;;;',
    'fn:Letters Small',
    'email;type=internet:letters@odd.example',
    'end:vcard',
  ]),
  '4.0 plain': v4('plain4@odd.example', ['FN:Bo Only', 'EMAIL:bo@odd.example']),
  '4.0 a photo inside': v4('photo4@odd.example', [
    'FN:Inside Photo',
    'N:Photo;Inside;;;',
    ...folded(`PHOTO:data:image/jpeg;base64,${PHOTO}`),
  ]),
  '4.0 preferences, alternatives and languages': v4('alt4@odd.example', [
    'FN;PREF=1:Anna Weber',
    'FN;PREF=2;LANGUAGE=ja:アンナ・ウェーバー',
    'N;ALTID=1;LANGUAGE=de;SORT-AS="Weber,Anna":Weber;Anna;;;',
    'N;ALTID=1;LANGUAGE=ja:ウェーバー;アンナ;;;',
    'EMAIL;PREF=1;TYPE=work:anna@work.example',
    'EMAIL;PREF=90;PID=2.1:anna@home.example',
    'TEL;VALUE=uri;PREF=1;TYPE="voice,cell":tel:+49-170-1234567;ext=5',
    'TEL;TYPE=text:+49 170 765',
    'ADR;LABEL="Main Street 1^nBerlin, ^\'Mitte^\'";GEO="geo:52.52,13.4";TYPE=home:;;Main Street 1;Berlin;;10115;Germany',
    'CLIENTPIDMAP:2;urn:uuid:d89c9c7a-2e1b-4832-82de-7e992d95faa5',
  ]),
  '4.0 dates in part': v4('dates4@odd.example', [
    'FN:Partly Known',
    'BDAY:--0229',
    'ANNIVERSARY:2009-08',
    'DEATHDATE;VALUE=text:circa 1800',
    'GENDER:O;it is complicated',
    'LANG;PREF=1;TYPE=work:de',
  ]),
  '4.0 a group': v4('group4@odd.example', [
    'KIND:group',
    'FN:Team',
    'MEMBER:urn:uuid:types@odd.example',
    'MEMBER:mailto:bo@odd.example',
  ]),
  '4.0 relations and accounts': v4('related4@odd.example', [
    'FN:Related',
    'RELATED;TYPE=spouse;VALUE=text:Jo',
    'RELATED;TYPE="friend,colleague":urn:uuid:plain@odd.example',
    'IMPP;PREF=1:xmpp:related@odd.example',
    'SOCIALPROFILE;SERVICE-TYPE=Mastodon:https://social.example/@related',
    'GEO;TYPE=work:geo:52.52,13.4',
    'TZ:Europe/Berlin',
    'KEY;MEDIATYPE=application/pgp-keys:https://keys.example/related',
    'XML:<a xmlns="urn:example">1 &lt\\; 2</a>',
    'work.TEL;VALUE=uri:tel:+49-30-1',
    'work.ORG:Example;Sales',
    'REV:20260105T080000Z',
  ]),
  '2.1 quoted-printable in several lines': v21('qp@odd.example', [
    'N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;',
    'FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen M=C3=BCller',
    'NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:first=0D=0Asecond line that is =',
    'continued=3D here =',
    ' with a blank before it',
    'TEL;WORK;VOICE;PREF:+49 89 1',
    'TEL;CELL:0171 1',
    'EMAIL;INTERNET:juergen@odd.example',
  ]),
  '2.1 an older character set': v21('latin@odd.example', [
    'N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg',
    'FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=F6rg M=FCller',
    'ADR;HOME;CHARSET=WINDOWS-1252;ENCODING=QUOTED-PRINTABLE:;;Stra=DFe 1 =96 Hof;K=F6ln;;50667;',
  ]),
  '2.1 a photo with a blank line after it': v21('photo21@odd.example', [
    'N:Photo;Old',
    'FN:Old Photo',
    'PHOTO;JPEG;ENCODING=BASE64:',
    ...folded(PHOTO).map((line) => ` ${line.trim()}`),
    '',
    'TEL;HOME:1',
  ]),
  '2.1 an agent of several lines': v21('agent21@odd.example', [
    'N:Boss;The',
    'FN:The Boss',
    'AGENT:',
    'BEGIN:VCARD',
    'VERSION:2.1',
    'N:Friday;Fred',
    'TEL;WORK;VOICE:+1-213-555-1234',
    'END:VCARD',
    'TITLE:Director',
  ]),
  'broken: line feeds only': Buffer.from(
    v3('lf@odd.example', ['N:Unix;From;;;', 'FN:From Unix']).toString().replaceAll('\r\n', '\n'),
  ),
  'broken: no name to show': v3('nofn@odd.example', ['N:Only;Structured;;;', 'EMAIL:only@odd.example']),
  'broken: no end': joined(['BEGIN:VCARD', 'VERSION:3.0', 'UID:noend@odd.example', 'N:End;No;;;', 'FN:No End']),
};
