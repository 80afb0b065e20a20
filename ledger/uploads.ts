/** Large files on their way: what the target has acknowledged, and the digests of it. */
import type { JsonObject } from '../connectors/contract.js';
import type { Lease } from './leases.js';
import { fenced } from './leases.js';
import type { Ledger, Sql } from './ledger.js';

export interface UploadRow {
  readonly id: number;
  readonly container: number;
  readonly key: string;
  /** The version of the source's file that all parts are of. */
  readonly version: string;
  readonly bytes: number;
  readonly partBytes: number;
  readonly path: string;
  /** The file's metadata, as it was in that version. */
  readonly meta: JsonObject;
  readonly token: string;
  /** Set once all parts are there: it is being put in its place. */
  readonly digest: string | null;
  /** The state of the SHA-256 of the first `hashed` bytes, where it is kept (connectors/kinds/whole-digest.ts). */
  readonly hashState: Buffer | null;
  readonly hashed: number;
}

/** What the target has acknowledged, by number of the part. */
export interface UploadPart {
  readonly part: number;
  readonly bytes: number;
  /** SHA-256 of each block of it, one behind the other. */
  readonly blocks: Buffer;
}

const COLUMNS = `id, container, key, version, bytes, part_bytes as "partBytes", path, meta, token, encode(digest, 'hex') as digest,
  hash_state as "hashState", hashed`;

export async function readUpload(sql: Sql, container: number, key: string): Promise<UploadRow | undefined> {
  const { rows } = await sql.query<UploadRow>(`select ${COLUMNS} from upload where container = $1 and key = $2`, [
    container,
    key,
  ]);
  return rows[0];
}

export async function partsOf(sql: Sql, upload: number): Promise<UploadPart[]> {
  const { rows } = await sql.query<UploadPart>(
    'select part, bytes, blocks from upload_part where upload = $1 order by part',
    [upload],
  );
  return rows;
}

/** Written down before the target hears of it, so that nothing is left there that nobody knows of. */
export async function startUpload(
  ledger: Ledger,
  lease: Lease,
  upload: Omit<UploadRow, 'id' | 'digest' | 'hashState' | 'hashed'>,
): Promise<UploadRow> {
  const { container, key, version, bytes, partBytes, path, meta, token } = upload;
  return fenced(ledger, lease, async (sql) => {
    const { rows } = await sql.query<UploadRow>(
      `insert into upload (container, key, version, bytes, part_bytes, path, token, meta)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
      [container, key, version, bytes, partBytes, path, token, JSON.stringify(meta)],
    );
    return rows[0] as UploadRow;
  });
}

export async function acknowledgePart(
  ledger: Ledger,
  lease: Lease,
  upload: number,
  part: UploadPart,
  hash?: { readonly state: Buffer; readonly bytes: number },
): Promise<void> {
  await fenced(ledger, lease, async (sql) => {
    await sql.query(
      `insert into upload_part (upload, part, bytes, blocks) values ($1, $2, $3, $4)
       on conflict (upload, part) do update set bytes = excluded.bytes, blocks = excluded.blocks`,
      [upload, part.part, part.bytes, part.blocks],
    );
    await sql.query(
      `update upload set changed_at = now(), hash_state = coalesce($2, hash_state), hashed = coalesce($3, hashed)
       where id = $1`,
      [upload, hash?.state ?? null, hash?.bytes ?? null],
    );
  });
}

/** Parts that the target has lost since. */
export async function forgetParts(
  ledger: Ledger,
  lease: Lease,
  upload: number,
  kept: readonly number[],
): Promise<void> {
  await fenced(ledger, lease, (sql) =>
    sql.query('delete from upload_part where upload = $1 and part <> all ($2)', [upload, kept]),
  );
}

/** The intent of the last step: the file with this digest is put in its place. */
export async function startFinishing(ledger: Ledger, lease: Lease, upload: number, digest: string): Promise<void> {
  await fenced(ledger, lease, (sql) =>
    sql.query(`update upload set digest = decode($2, 'hex'), changed_at = now() where id = $1`, [upload, digest]),
  );
}

/** Part of the transaction that settles the item, or of the one that follows when the target has forgotten it. */
export async function endUpload(sql: Sql, upload: number): Promise<void> {
  await sql.query('delete from upload where id = $1', [upload]);
}

/** Uploads that nobody will go on with: their file is gone, settled, or of another version. */
export async function abandonedUploads(sql: Sql, pairing: number): Promise<UploadRow[]> {
  const { rows } = await sql.query<UploadRow>(
    `select u.id, u.container, u.key, u.version, u.bytes, u.part_bytes as "partBytes", u.path, u.meta, u.token,
       encode(u.digest, 'hex') as digest, u.hash_state as "hashState", u.hashed
     from upload u
     join container c on c.id = u.container
     left join item i on i.container = u.container and i.key = u.key
     where c.pairing = $1
       and (i.key is null or i.gone or i.todo is null or i.todo not in ('create', 'update')
         -- One that is being put in its place may have landed: that is found out first.
         or i.version <> u.version and u.digest is null)`,
    [pairing],
  );
  return rows;
}
