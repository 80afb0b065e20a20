/** A document to a spec or to all of its problems; reads CSV files through what it is handed. */
import { dirname, isAbsolute, join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv } from 'ajv';
import type { JsonObject } from '../connectors/contract.js';
import { mergeWarnings, samePlaceProblems, withinWarnings } from './account-problems.js';
import { MAX_ACCOUNTS_FILE_BYTES, readAccounts } from './accounts-file.js';
import type { Manifests } from './assemble.js';
import { assembleSchema } from './assemble.js';
import { parseBytes, parseRate } from './bytes.js';
import type { Diagnostic } from './diagnostic.js';
import { sortDiagnostics } from './diagnostic.js';
import { MAX_SPEC_BYTES, readDocument } from './document.js';
import { filterWarnings } from './filter-warnings.js';
import { overlapProblems } from './overlap-problems.js';
import type { Problem } from './problem.js';
import { listAt, makePointer, textAt } from './problem.js';
import { referenceProblems } from './reference-problems.js';
import { scheduleWarnings } from './schedule-warnings.js';
import { schemaProblems } from './schema-problems.js';
import type { Account, Filter, Limits, Selection, SelectionWithAccounts, Spec, SystemConfig } from './spec.js';
import { systemOptionProblems } from './system-problems.js';

/**
 * Reads a file. Of a file larger than `maxBytes` it may give just `maxBytes + 1` bytes: that is how its size
 * shows. Rejects with a system error (`code: 'ENOENT'` …) when there is nothing to read.
 */
export type Read = (path: string, maxBytes: number) => Promise<Uint8Array>;

/** A right spec, and what is odd about it; or all that is wrong. */
export type Loaded =
  | { readonly spec: Spec; readonly warnings: readonly Diagnostic[] }
  | { readonly problems: readonly Diagnostic[] };

/** Reads and checks `file` against these connectors. Rejects never for a bad spec or a missing file. */
export async function validateSpec(file: string, read: Read, manifests: Manifests): Promise<Loaded> {
  const bytes = await readOrExplain(read, file, MAX_SPEC_BYTES);
  if (typeof bytes === 'string') return { problems: [{ file, line: 1, column: 1, message: bytes, path: '' }] };
  const parsed = readDocument(file, bytes);
  if (!('document' in parsed)) return { problems: sortDiagnostics(parsed.problems) };
  const { value, place } = parsed.document;

  const isValid = compile(manifests);
  const problems: Problem[] = isValid(value) ? [] : schemaProblems(isValid.errors ?? [], value);
  problems.push(...referenceProblems(value, manifests), ...systemOptionProblems(value));
  const fromFiles = new Map<number, readonly Account[]>();
  const inFiles: Diagnostic[] = [];
  const notes: Diagnostic[] = [];
  for (const [index] of (listAt(value, ['selections']) ?? []).entries()) {
    const path = ['selections', String(index), 'accounts', 'file'];
    const name = textAt(value, path);
    if (name === undefined || name === '') continue;
    const csvFile = isAbsolute(name) ? name : join(dirname(file), name);
    const csv = await readOrExplain(read, csvFile, MAX_ACCOUNTS_FILE_BYTES);
    if (typeof csv === 'string') {
      problems.push({ path, at: 'value', message: `${name}: ${csv}` });
      continue;
    }
    const accounts = readAccounts(csvFile, csv);
    if ('problems' in accounts)
      for (const found of accounts.problems) inFiles.push({ ...found, path: makePointer(path) });
    else {
      fromFiles.set(index, accounts.accounts);
      for (const note of accounts.notes) notes.push({ ...note, severity: 'note', path: makePointer(path) });
    }
  }
  problems.push(...overlapProblems(value, manifests, fromFiles), ...samePlaceProblems(value, manifests, fromFiles));
  const locate = ({ path, at, message }: Problem): Diagnostic => ({
    file,
    ...place(path, at),
    message,
    path: makePointer(path),
  });
  if (problems.length + parsed.problems.length + inFiles.length === 0) {
    const warnings = [
      ...filterWarnings(value),
      ...mergeWarnings(value, manifests, fromFiles),
      ...withinWarnings(value),
      ...scheduleWarnings(value, manifests),
    ].map((odd) => ({
      ...locate(odd),
      severity: 'warning' as const,
    }));
    return {
      spec: toSpec(value as Written, fromFiles),
      warnings: [...sortDiagnostics(warnings), ...sortDiagnostics(notes)],
    };
  }
  return { problems: [...sortDiagnostics([...parsed.problems, ...problems.map(locate)]), ...sortDiagnostics(inFiles)] };
}

const compiled = new WeakMap<Manifests, ValidateFunction>();

function compile(manifests: Manifests): ValidateFunction {
  let validate = compiled.get(manifests);
  if (validate === undefined) {
    // What it would save in checking one spec it costs a hundredfold in compiling.
    const ajv = new Ajv({ allErrors: true, verbose: true, strictTypes: false, code: { optimize: false } });
    ajv.addVocabulary(['patternErrorMessage', 'offered']);
    validate = ajv.compile(assembleSchema(manifests));
    compiled.set(manifests, validate);
  }
  return validate;
}

/** The bytes, or the reason why there are none. */
async function readOrExplain(read: Read, file: string, maxBytes: number): Promise<Uint8Array | string> {
  try {
    return await read(file, maxBytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOENT') return 'there is no such file';
    if (code === 'EACCES' || code === 'EPERM') return 'this file may not be read by you';
    if (code === 'EISDIR') return 'this is a folder; name the file in it';
    return `the file cannot be read (${code})`;
  }
}

/** The spec as written, once the schema holds. */
interface Written extends Omit<Spec, 'sources' | 'targets' | 'selections'> {
  readonly sources: Readonly<Record<string, JsonObject>>;
  readonly targets: Readonly<Record<string, JsonObject>>;
  readonly selections: readonly (Selection & {
    readonly accounts: SelectionWithAccounts['accounts'] | { file: string };
  })[];
}

function toSpec(written: Written, fromFiles: ReadonlyMap<number, readonly Account[]>): Spec {
  return {
    version: 1,
    name: written.name,
    sources: toSystems(written.sources),
    targets: toSystems(written.targets),
    selections: written.selections.map((selection, index) => ({
      ...selection,
      ...(selection.include && { include: toFilter(selection.include) }),
      ...(selection.exclude && { exclude: toFilter(selection.exclude) }),
      accounts: fromFiles.get(index) ?? (selection.accounts as SelectionWithAccounts['accounts']),
    })),
    ...(written.schedules !== undefined && { schedules: written.schedules }),
  };
}

function toSystems(written: Readonly<Record<string, JsonObject>>): Record<string, SystemConfig> {
  return Object.fromEntries(
    Object.entries(written).map(([name, { type, limits, ...options }]) => [
      name,
      { type: type as string, ...(limits !== undefined && { limits: toLimits(limits as Limits) }), options },
    ]),
  );
}

/** Sizes as numbers of bytes. */
function toFilter({ larger, smaller, ...filter }: Filter): Filter {
  return {
    ...filter,
    ...(larger !== undefined && { larger: parseBytes(larger) as number }),
    ...(smaller !== undefined && { smaller: parseBytes(smaller) as number }),
  };
}

/** Rates as numbers of bytes a second. */
function toLimits({ bandwidth, ...limits }: Limits): Limits {
  if (bandwidth === undefined) return limits;
  const rates = Object.entries(bandwidth).map(([span, rate]) => [span, parseRate(rate) as number]);
  return { ...limits, bandwidth: Object.fromEntries(rates) };
}
