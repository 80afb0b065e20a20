/**
 * What a connector is. A connector knows its system and this contract; it knows neither Temporal nor the
 * ledger. Optional abilities are optional members: absence means "not offered", never "does nothing".
 *
 * Every session object (`Source`, `Target`) stands for one connection to one account. It is not shared
 * between concurrent callers, connects lazily at its first call, and is ended with `close`.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export const KINDS = ['mail', 'calendar', 'contacts', 'files'] as const;
/** What is moved. Each kind has one standard form between source and target: connectors/kinds/mail.ts, calendar.ts, contacts.ts, files.ts. */
export type Kind = (typeof KINDS)[number];

/** One account in one system, by what the system itself proves; never by what a spec calls it. */
export interface Place {
  /** Identity, e.g. `imap://mail.example:993/anna`. Equal for two specs that name the same account. */
  readonly proof: string;
  /** The shared part, the owner of fleet-wide budgets, e.g. `imap://mail.example:993`. */
  readonly system: string;
}

export const ROLES = ['inbox', 'sent', 'drafts', 'trash', 'junk', 'archive', 'all', 'flagged'] as const;
/** The ordinary folders of a mailbox, after RFC 6154. */
export type Role = (typeof ROLES)[number];

/** What a calendar or an address book has beside its name. All of it is optional; what is absent is not asked for. */
export interface ContainerProperties extends JsonObject {
  /** `#RRGGBB` or `#RRGGBBAA`, as the system gave it. */
  readonly color?: string;
  /** Where people see it among its neighbours. */
  readonly order?: number;
  readonly description?: string;
  /** A whole VCALENDAR with one VTIMEZONE (RFC 4791, 5.2.2), or the IANA name of a zone. */
  readonly timezone?: string;
  /** What a calendar may hold, e.g. `['VEVENT', 'VTODO']`, sorted; absent where the system does not say. */
  readonly components?: readonly string[];
}

/**
 * A mail folder, calendar, address book or directory, as the source shows it. Of kind `files` there is one for the
 * whole tree, with the empty path: its items are files and folders, by their paths (files.ts). Where a system can be both source and
 * target, a container has the same key in both roles, and so have its items (`ItemRef.key` is the `ref` of the target)
 * and their versions: syncing both ways rests on that.
 */
export interface Container {
  /** Native identity within the place, stable while the container lives. */
  readonly key: string;
  /** Decoded name, one element a level. An inbox is `['INBOX']`. */
  readonly path: readonly string[];
  readonly role?: Role;
  /** When this differs from an earlier listing, all item keys of that listing are void (UIDVALIDITY). */
  readonly validity: string;
  /**
   * The state of the container, taken before its items are listed. Equal tokens promise that nothing
   * changed. Absent: the container must be listed every time.
   */
  readonly token?: string;
  /**
   * Items, as far as the system tells without listing. An unordered listing that names fewer is asked for a second time:
   * absent where the system counts others, too.
   */
  readonly items?: number;
  readonly subscribed?: boolean;
  readonly properties?: ContainerProperties;
  /**
   * Why the options leave it out, e.g. because others own it. It is not moved, and what was moved of it before is let be:
   * were it not listed at all, it would count as gone.
   */
  readonly leftOut?: string;
}

/** One item as a listing shows it, without its content. */
export interface ItemRef {
  /** Identity within the container. Listings ascend by key, compared as UTF-8 bytes (key-order.ts). */
  readonly key: string;
  /** Differs when content or meta differ. */
  readonly version: string;
  /** Absent where the system tells it only with the content. Of kind `files` only for files. */
  readonly bytes?: number;
  /** Lower ranks move first. 0 unless the kind orders its items. */
  readonly rank: number;
  /**
   * The kind's metadata, e.g. `MailMeta`, `FileMeta`. Never content, subjects or addresses. Absent where the system tells
   * it only with the content (`Body.meta`), or where each look costs as much as reading. Of kind `files` never absent.
   */
  readonly meta?: JsonObject;
  /**
   * Two readings of it differ though nothing was edited: an export, a rendering. It counts as edited when its version is
   * another, is read as a whole, and no copy is taken for its own because of what that says. Where a normal form of the
   * kind is the same for all readings (mail.ts, calendar.ts …) it is stable.
   */
  readonly unstable?: true;
}

/** One of which everything is told, as most systems do. */
export type Described = ItemRef & Required<Pick<ItemRef, 'bytes' | 'meta'>>;

export type Change =
  | { readonly change: 'upsert'; readonly item: ItemRef }
  | { readonly change: 'gone'; readonly key: string };

export interface Page<T> {
  readonly entries: readonly T[];
  /**
   * Only of `unordered` listings: where to go on behind this page, also in another process and hours later. Opaque. A
   * page without one can only be followed by the session that gave it; after a crash the listing begins anew.
   */
  readonly cursor?: string;
  /** Only of `unordered` listings: keys that were deleted meanwhile, whether this listing has named them or not. */
  readonly gone?: readonly string[];
  /**
   * Only with the last page, of an unordered listing or of changes: the state that a later `changes` begins with. It
   * covers every change since the first page was asked for, except those that the pages themselves show.
   */
  readonly token?: string;
}

export interface Body<B> {
  readonly key: string;
  readonly body: B;
  /** The metadata that the listing lacked. */
  readonly meta?: JsonObject;
  /** What the source could not tell for certain, in words: recorded with the item. No content. */
  readonly notes?: readonly string[];
}

/** One item that cannot be had or stored; its neighbours are not affected. */
export interface Refused {
  /** The key (from a source) or the token (from a target). */
  readonly refused: string;
  /** The system's own words, redacted, and what to do. No content. */
  readonly reason: string;
  /** The options ask for it to be left out: no failure. */
  readonly skipped?: true;
  /**
   * It may be had later: a server that answers 500 or 423 for this item, or breaks off in the middle of it. Asked for
   * again some times; then it is quarantined with the reason. Only from a source's `read`.
   */
  readonly again?: true;
}

/** What `doctor` and `plan` show of a system. */
export interface Capability {
  readonly name: string;
  readonly value: string;
  /** Set when it stands in the way; says what to do. */
  readonly problem?: string;
  /** Set when it does not, and people should know all the same: a sentence for the plan. */
  readonly remark?: string;
  /** It is said of this account; what is not is the same for all accounts of the system. */
  readonly own?: true;
}

interface Session {
  /** Connects and proves the account. Throws `Fault` (credentials, unavailable …). */
  place(signal: AbortSignal): Promise<Place>;
  describe(signal: AbortSignal): Promise<readonly Capability[]>;
  /** Ends the connection at once; safe to call twice, and while another call waits (which then throws). */
  close(): void;
}

/**
 * Of kind `files`: whether what a folder (a key) holds may be wanted. A folder of which it says no is listed by its name,
 * and not opened: the worker may not be allowed to.
 */
export type OpensFolder = (folder: string) => boolean;

export interface Source<B = unknown> extends Session {
  /** All containers, parents first. */
  containers(signal: AbortSignal): AsyncIterable<Container>;
  /**
   * Whether listings ascend by key. `unordered` ones come as the system pages them: keys may be repeated (the last one
   * counts), and may be missing where items come and go between two pages. So what they lack is only suspected to be gone.
   * Absent: `ordered`.
   */
  readonly listing?: 'ordered' | 'unordered';
  /**
   * Items with a key above `after`, ascending by key (key-order.ts), in pages of at most some thousands. An unordered
   * listing goes on from `after` as the cursor of an earlier page, and throws `Fault('cursor-lost')` when the system no
   * longer knows it: the listing then begins anew. What the system
   * names and does not describe is listed all the same, and refused when it is read. Throws `Fault('refused')`, after
   * the pages it could give, for a container that cannot be shown, or not as a whole (it holds more than it named):
   * what was listed moves, nothing counts as gone, and the container is named as a failure. Of kind `files`, whose
   * folders are items, a folder that cannot be listed is `unseen` (files.ts), and its neighbours go on.
   */
  list(
    container: Container,
    after: string | undefined,
    signal: AbortSignal,
    opens?: OpensFolder,
  ): AsyncIterable<Page<ItemRef>>;
  /**
   * What changed since `token` (an earlier `Container.token`, or `Page.token`, of the same validity), in any order; of a
   * key that is named twice the last one counts. Throws `Fault('cursor-lost')` when the system no longer knows; the
   * caller lists instead.
   */
  changes?(container: Container, since: string, signal: AbortSignal): AsyncIterable<Page<Change>>;
  /**
   * Items under these keys (at most some thousands), as a listing would show them now, in any order; what is not there is
   * left out. For what an unordered listing did not name. Absent: it is listed a second time.
   */
  present?(container: Container, keys: readonly string[], signal: AbortSignal): AsyncIterable<Page<ItemRef>>;
  /** Content of the items asked for, in the order asked. An item that vanished is `Refused`. */
  read(container: Container, refs: readonly ItemRef[], signal: AbortSignal): AsyncIterable<Body<B> | Refused>;
  /**
   * A range of the content of one item that is too large to be held, exactly as long as asked for. Pinned to the
   * version of `ref`: throws `Fault('source-changed')` when that is not what stands there, before the first byte or
   * after, and `Fault('not-found')` when it is gone. Every `FileSource` has it.
   */
  open?(container: Container, ref: ItemRef, range: Range, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Bytes of all that a container holds, where the system tells without naming each item; undefined: it does not. For looks
   * ahead only: a listing decides.
   */
  bytes?(container: Container, signal: AbortSignal): Promise<number | undefined>;
  /** The accounts a specification may call `all`. Only where the system can tell. */
  accounts?(signal: AbortSignal): Promise<readonly string[]>;
}

/** Bytes of a file: `bytes` many, beginning with the one numbered `from`. */
export interface Range {
  readonly from: number;
  readonly bytes: number;
}

/** A container the target should have. */
export interface Wanted {
  readonly path: readonly string[];
  /** Absent where the spec maps this folder by name: then only the name counts. */
  readonly role?: Role;
  readonly subscribed?: boolean;
  /** Given to a container that has to be made. One that is there keeps its own. */
  readonly properties?: ContainerProperties;
}

export interface TargetContainer {
  readonly key: string;
  readonly path: readonly string[];
  /** When this differs from what the ledger holds, all target references are void. */
  readonly validity: string;
  readonly created: boolean;
  /** Items it held when it was opened; 0 for a new one. */
  readonly items: number;
  /** Its anchor at that moment, where opening it told (see `Target.anchor`). */
  readonly anchor?: string;
  /** What had to be changed to make it, e.g. a character the server refuses. */
  readonly notes?: readonly string[];
}

/** One change to make. `token` is the caller's name for it, unique within the container. */
export type Write<B> =
  | {
      readonly op: 'create';
      readonly token: string;
      readonly body: B;
      readonly bytes: number;
      readonly meta: JsonObject;
      readonly digest: Digest;
    }
  | {
      readonly op: 'meta';
      readonly token: string;
      readonly ref: string;
      readonly base: JsonObject;
      readonly meta: JsonObject;
    }
  | {
      /**
       * Replaces the content. With `version` only while the copy still has it: otherwise, or when the copy is gone,
       * the answer is `Conflicted` and nothing is written. Only for kinds whose edits are content (kinds.ts).
       */
      readonly op: 'update';
      readonly token: string;
      readonly ref: string;
      readonly version?: string;
      readonly body: B;
      readonly bytes: number;
      readonly meta: JsonObject;
      readonly digest: Digest;
    }
  | {
      /** For kind `files` with the new path, which must be free: otherwise, or with another `version`, `Conflicted`. */
      readonly op: 'move';
      readonly token: string;
      readonly ref: string;
      readonly to: TargetContainer;
      readonly path?: string;
      readonly version?: string;
    }
  | {
      /**
       * With `version`: only while the copy still has it, else `Conflicted`. What is not there any more is removed. A
       * folder of kind `files` that is not empty is `Conflicted`.
       */
      readonly op: 'remove';
      readonly token: string;
      readonly ref: string;
      readonly version?: string;
    };

export interface Written {
  readonly token: string;
  /** The target's reference; absent when the target did not tell: the caller then locates it. */
  readonly ref?: string;
  /** The version the copy has now (ETag); absent where the target did not tell. */
  readonly version?: string;
  /** The metadata the target kept. */
  readonly meta?: JsonObject;
  /** What the target could not keep, e.g. a keyword it does not allow. */
  readonly notes?: readonly string[];
}

/**
 * Nothing was written: the target holds something else there than the writer thought. For `update` and `remove`: another
 * version, or nothing. For `create`: an item of the same identity (the same UID, the same name).
 */
export interface Conflicted {
  readonly conflicted: string;
  /** The copy that stands in the way, where the target told which. */
  readonly ref?: string;
  readonly reason: string;
}

export type WriteAnswer = Written | Refused | Conflicted;

/** A body in the form that a target can hold. */
export interface Fitted<B> {
  readonly body: B;
  /** What had to be left out or changed, in words: recorded with the item. */
  readonly notes?: readonly string[];
}

/** A digest of the kind's canonical form: lower-case hex of SHA-256, behind its version (digest-version.ts). */
export type Digest = string;

/** What a target holds under one reference. */
export interface TargetRef {
  readonly ref: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly meta: JsonObject;
  /** Its version (ETag), for kinds whose edits are content. */
  readonly version?: string;
  /** The content itself, for kinds whose edits are content: such items are small. */
  readonly body?: unknown;
}

/** A write whose answer was lost. */
export interface Intent {
  readonly token: string;
  readonly digest: Digest;
  /** Of kind `files`: where it was to be written. */
  readonly path?: string;
}

export type Located =
  | {
      readonly token: string;
      readonly found: 'landed';
      readonly ref: string;
      readonly meta: JsonObject;
      readonly version?: string;
    }
  | { readonly token: string; readonly found: 'absent' }
  | { readonly token: string; readonly found: 'unsure'; readonly reason: string };

/** Those of some references that the caller knows. Asked for a page at a time: neither side holds all that there are. */
export type Known = (refs: readonly string[]) => Promise<ReadonlySet<string>>;

/** What still fits into an account. */
export interface Room {
  readonly bytes: number;
  /** Names the disk, where it is room on a disk: all accounts on it share it. Absent: it is the account's alone. */
  readonly disk?: string;
}

export interface Target<B = unknown> extends Session {
  /** After a connection died, how long a write may still appear by itself, in milliseconds. */
  readonly quietMs: number;
  /**
   * As `quietMs`, for one call of `write` that this session is about to make: milliseconds after which nothing of it
   * appears any more, should the process die in the middle of it. `sizes` are the bytes of its bodies, one for each
   * create or update, in the order of the writes. Never below `quietMs`; above it only where bodies are larger than what
   * the line carries within that time, at the rates that this session has seen. A process that is killed leaves what it
   * has handed to its kernel to be sent. Absent: `quietMs` holds for writes of any size.
   */
  quietFor?(sizes: readonly number[]): number;
  /** False: it moves no copy from one container to another, so what moved in the source is written anew. Absent: it does. */
  readonly moves?: false;
  /** Connections that pay for one account. The engine opens at most so many, budgets permitting. */
  readonly lanes: number;
  /** Finds or makes the container: by role, then by name. Idempotent. */
  ensure(wanted: Wanted, signal: AbortSignal): Promise<TargetContainer>;
  /** The container that `ensure` would find; undefined where it would make one. Writes nothing: for previews. */
  find?(wanted: Wanted, signal: AbortSignal): Promise<TargetContainer | undefined>;
  /**
   * What stands now under the key of a container that was bound before, by one cheap request; undefined: nothing. Absent:
   * some of the copies are asked for instead (`sizes`, `readBack`).
   */
  standing?(
    container: TargetContainer,
    signal: AbortSignal,
  ): Promise<{ readonly validity: string; readonly items: number } | undefined>;
  /**
   * Where a path of the worker is the place: what tells the disk that it stands on from another that is mounted there, or
   * from none. Undefined: nothing stands there.
   */
  root?(signal: AbortSignal): Promise<string | undefined>;
  /** Where the container would put the next item (UIDNEXT, file size). Taken before writes. */
  anchor(container: TargetContainer, signal: AbortSignal): Promise<string>;
  /**
   * Applies writes, answering each exactly once, in any order. Throws a `Fault` when the connection or the
   * account fails: writes not answered by then are in doubt. Never sends a write again after doubt.
   */
  write(container: TargetContainer, writes: readonly Write<B>[], signal: AbortSignal): AsyncIterable<WriteAnswer>;
  /**
   * The form of a body that this target can hold: another vCard version, the columns of a table. Pure; fitting twice is
   * fitting once. Absent: everything is held as it comes. Throws `Fault('refused')` for what cannot be held at all.
   */
  fit?(body: B): Fitted<B>;
  /** What became of create-writes in doubt, made since `anchor`; `known` are references that belong to other items. */
  locate(
    container: TargetContainer,
    intents: readonly Intent[],
    anchor: string,
    known: Known,
    signal: AbortSignal,
  ): AsyncIterable<Located>;
  /**
   * Everything the container holds, ascending by reference, but for what is known; content is read for the digest. With
   * `since`, an anchor that this container gave: what came there from then on, and more where that cannot be told.
   */
  scan(container: TargetContainer, known: Known, signal: AbortSignal, since?: string): AsyncIterable<Page<TargetRef>>;
  /** Reads items back as evidence. A reference that is not there is left out. */
  readBack(container: TargetContainer, refs: readonly string[], signal: AbortSignal): AsyncIterable<TargetRef>;
  /** The cheaper evidence: size only, without content. */
  sizes?(
    container: TargetContainer,
    refs: readonly string[],
    signal: AbortSignal,
  ): AsyncIterable<{ readonly ref: string; readonly bytes: number; readonly version?: string }>;
  /**
   * Evidence without reading back: SHA-256 of the whole content, computed by the target from what it stores. What it
   * cannot tell is left out.
   */
  checksums?(
    container: TargetContainer,
    refs: readonly string[],
    signal: AbortSignal,
  ): AsyncIterable<{ readonly ref: string; readonly sha256: string }>;
  /**
   * The references that a listing of one folder of a tree shows (`''` for its root): what people see who look into it.
   * Throws `Fault('not-found')` when it is not there. Absent: what can be read back is seen.
   */
  shown?(container: TargetContainer, folder: string, signal: AbortSignal): AsyncIterable<Page<string>>;
  /** What still fits; undefined where the target does not tell. Writes nothing. */
  room?(signal: AbortSignal): Promise<Room | undefined>;
  /** What names it can keep; every `FileTarget` says it. */
  readonly names?: NameRules;
  /** Content too large to be held; every `FileTarget` takes it. */
  readonly uploads?: Uploads;
}

/** What a target refuses in names, or takes for the same. Names are single levels of a path. */
export interface NameRules {
  /** Characters no name may have. Control characters and "/" are refused everywhere. */
  readonly forbidden?: string;
  /** Characters no name may end with, e.g. `. `. */
  readonly endings?: string;
  /** Endings that are refused in any letter case, e.g. `.part`. */
  readonly suffixes?: readonly string[];
  /** Names that are refused in any letter case, with whatever behind a dot, e.g. `CON`. */
  readonly reserved?: readonly string[];
  /** Names that the server may take for its own configuration, so that they change what it does: said in plans. */
  readonly perilous?: readonly string[];
  /** Limits in bytes of UTF-8: of a name, and of the whole path below the root. */
  readonly nameBytes?: number;
  readonly pathBytes?: number;
  /** Names that differ only in letter case are the same. */
  readonly caseless?: boolean;
  /** Names that differ only in Unicode form are the same. */
  readonly formless?: boolean;
}

/** A large file on its way: the same for all calls from `begin` to `finish`, also in another process. */
export interface Upload {
  /** The caller's name for it: letters, digits and hyphens, unique. The place of its parts follows from it. */
  readonly token: string;
  /** Where the file goes, below the root of the container. */
  readonly path: string;
  readonly bytes: number;
  readonly partBytes: number;
  readonly meta: JsonObject;
}

/**
 * A file arrives in parts, at a place of its own, and is put where it belongs as a last step: it is there as a whole or
 * not at all. Parts have `partBytes`, but for the last.
 */
export interface Uploads {
  /**
   * The size of parts for a file of `bytes`: a multiple of BLOCK_BYTES (files.ts), or `bytes` itself where the target
   * takes files only as a whole; it then is sent as part 0.
   */
  partBytes(bytes: number, signal: AbortSignal): Promise<number>;
  /** Whether parts may be sent in any order, and several at once. */
  readonly anyOrder: boolean;
  /** Makes the place of the parts. Harmless when it is there. */
  begin(container: TargetContainer, upload: Upload, signal: AbortSignal): Promise<void>;
  /** Which parts stand there completely, by number, from 0. Empty when the place is gone. */
  acknowledged(container: TargetContainer, upload: Upload, signal: AbortSignal): Promise<ReadonlySet<number>>;
  /**
   * Sends one part; what a dead sender left of it is replaced. Throws what `content` throws, and then has not
   * acknowledged it. Where the target tells a checksum of what it received, it is compared.
   */
  send(
    container: TargetContainer,
    upload: Upload,
    part: number,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Puts the file in its place: of a new one only where nothing stands, with `version` only over that version, else
   * `Conflicted`, and the parts stay. Asked again after a lost answer it finds out whether it has landed. Throws
   * `Fault('not-found')` when the parts are gone without having landed: the upload must begin anew.
   */
  finish(
    container: TargetContainer,
    upload: Upload,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<WriteAnswer>;
  /** Takes the parts away. Harmless when they are gone. */
  abort(container: TargetContainer, upload: Upload, signal: AbortSignal): Promise<void>;
}

/** Where a secret is kept. Secrets are resolved inside the worker at the moment of use. */
export type SecretRef = { readonly env: string } | { readonly file: string } | { readonly connection: string };

/** What a connector is handed besides its options. */
export interface Access {
  /** The account to open, e.g. `anna@old.example`; options have `{account}` replaced already. */
  readonly account: string;
  /** What is moved: connectors of several kinds open the part of an account that holds it. */
  readonly kind: Kind;
  secret(ref: SecretRef, signal: AbortSignal): Promise<string>;
  /**
   * A person waits: to connect, and a first answer, may take no longer, in milliseconds, whatever the options allow. So it
   * is the connector that gives up, and says what it waited for.
   */
  readonly patienceMs?: number;
  /** Parallel connections a target may open for one account, where the spec says. */
  readonly lanes?: number;
}

/**
 * A connector's code, loaded only where it runs. `Options` is the type of the manifest's schema, against which they were
 * checked. Each states both as `satisfies Connector<Body, Options>`; the engine, which knows neither, holds a `Connector`.
 */
export interface Connector<B = unknown, Options = JsonObject> {
  source?(options: Options, access: Access): Source<B>;
  target?(options: Options, access: Access): Target<B>;
}
