/** The configuration file of the Dovecot in dovecot.ts. */
import { userInfo } from 'node:os';

export interface DovecotOptions {
  /** Login name to password. Default: `anna` and `bert`, each with the password `secret`. */
  readonly users?: Readonly<Record<string, string>>;
  /** A master user, for `{account}*name` and for SASL authorization identities. */
  readonly masterUser?: { readonly name: string; readonly password: string };
  /** A Dovecot quota rule for every user, e.g. `*:storage=1M` or `*:messages=10`. */
  readonly quota?: string;
  /** Largest message, in bytes; advertised as APPENDLIMIT and enforced. */
  readonly appendLimit?: number;
  readonly mailboxFormat?: 'maildir';
  /** Capabilities not to advertise, e.g. `['MULTIAPPEND', 'LITERAL+']`. */
  readonly withoutCapabilities?: readonly string[];
  /** Also listens with implicit TLS on `tlsPort`, and offers STARTTLS; the certificate is for 127.0.0.1 and localhost. */
  readonly tls?: boolean;
  readonly maxUserIpConnections?: number;
  /** Namespace prefix, e.g. `INBOX.`, and separator. Default: none, and `/`. */
  readonly prefix?: string;
  readonly separator?: string;
  /** Whether Sent, Drafts, Trash, Junk and Archive carry SPECIAL-USE. Default true. */
  readonly specialUse?: boolean;
  /** Lines for the end of the configuration file. */
  readonly extra?: string;
}

export interface DovecotLayout {
  readonly dir: string;
  readonly port: number;
  readonly tlsPort?: number;
  readonly uid: number;
  readonly gid: number;
  readonly asRoot: boolean;
  readonly options: DovecotOptions;
}

/** What Dovecot 2.3 offers after login; the base from which a test takes away. */
const CAPABILITIES = [
  'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS',
  'THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED',
  'I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE',
  'SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE',
].flatMap((line) => line.split(' '));

export function dovecotConfig(layout: DovecotLayout): string {
  const { dir, options } = layout;
  const plugins = options.quota !== undefined || options.appendLimit !== undefined;
  return `${[
    `base_dir = ${dir}/run`,
    `state_dir = ${dir}/state`,
    `log_path = ${dir}/dovecot.log`,
    'protocols = imap',
    'listen = 127.0.0.1',
    'first_valid_uid = 1',
    'mail_fsync = never',
    'disable_plaintext_auth = no',
    'auth_mechanisms = plain login',
    `mail_max_userip_connections = ${options.maxUserIpConnections ?? 200}`,
    `mail_location = ${options.mailboxFormat ?? 'maildir'}:~/Maildir`,
    ...users(layout),
    ...tls(layout),
    ...listeners(layout),
    ...namespace(options),
    ...capabilities(options),
    ...(plugins ? quota(options) : []),
    options.extra ?? '',
  ].join('\n')}\n`;
}

function users({ dir, options }: DovecotLayout): string[] {
  return [
    ...(options.masterUser
      ? [
          'auth_master_user_separator = *',
          `passdb {\n  driver = passwd-file\n  args = ${dir}/masters\n  master = yes\n  result_success = continue\n}`,
        ]
      : []),
    `passdb {\n  driver = passwd-file\n  args = ${dir}/users\n}`,
    `userdb {\n  driver = passwd-file\n  args = ${dir}/users\n}`,
  ];
}

function tls({ dir, options }: DovecotLayout): string[] {
  if (!options.tls) return ['ssl = no'];
  return ['ssl = yes', `ssl_cert = <${dir}/server.pem`, `ssl_key = <${dir}/server.key`];
}

function listeners({ port, tlsPort, asRoot }: DovecotLayout): string[] {
  const secure = tlsPort === undefined ? 'port = 0' : `port = ${tlsPort}\n    ssl = yes`;
  const lines = [
    `service imap-login {\n  inet_listener imap {\n    port = ${port}\n  }\n  inet_listener imaps {\n    ${secure}\n  }`,
    `  service_count = 0\n  process_limit = 4${asRoot ? '' : '\n  chroot ='}\n}`,
  ];
  if (!asRoot) {
    const user = userInfo().username;
    lines.push(`default_internal_user = ${user}`, `default_login_user = ${user}`, 'default_internal_group =');
    for (const service of ['anvil', 'stats', 'imap-urlauth-login']) lines.push(`service ${service} {\n  chroot =\n}`);
  }
  return lines;
}

function namespace(options: DovecotOptions): string[] {
  const special = options.specialUse === false ? [] : ['Sent', 'Drafts', 'Trash', 'Junk', 'Archive'];
  return [
    'namespace inbox {\n  inbox = yes',
    `  separator = ${options.separator ?? '/'}\n  prefix = ${options.prefix ?? ''}`,
    ...special.map((name) => `  mailbox ${name} {\n    special_use = \\${name}\n  }`),
    '}',
  ];
}

function capabilities(options: DovecotOptions): string[] {
  const without = new Set(options.withoutCapabilities ?? []);
  const limit = options.appendLimit === undefined ? [] : [`APPENDLIMIT=${options.appendLimit}`];
  if (without.size === 0 && limit.length === 0) return [];
  const kept = CAPABILITIES.filter((name) => !without.has(name));
  return [`imap_capability = ${[...kept, ...limit].join(' ')}`];
}

function quota(options: DovecotOptions): string[] {
  const rules = [
    'quota = count:User quota',
    'quota_vsizes = yes',
    ...(options.quota === undefined ? [] : [`quota_rule = ${options.quota}`]),
    ...(options.appendLimit === undefined ? [] : [`quota_max_mail_size = ${options.appendLimit}`]),
  ];
  return [
    'mail_plugins = $mail_plugins quota',
    'protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}',
    `plugin {\n${rules.map((rule) => `  ${rule}`).join('\n')}\n}`,
  ];
}
