/** What ajv says about a spec, in sentences about the spec. */
import type { ErrorObject } from 'ajv';
import { secretSchema } from '../connectors/manifest.js';
import { oneOfWords, quote } from './diagnostic.js';
import type { Problem } from './problem.js';
import { labelOf, mappingAt, readPointer, whereOf } from './problem.js';
import { didYouMean, suggest } from './suggest.js';

type Shape = Readonly<Record<string, unknown>>;

/** ajv's errors (`allErrors`, `verbose`), each problem once; alternatives are told as one problem. */
export function schemaProblems(errors: readonly ErrorObject[], spec: unknown): Problem[] {
  const relevant = errors.filter((error) => error.keyword !== 'if' && error.keyword !== 'propertyNames');
  return explainAll(ofFirstParts(relevant), spec);
}

/** Of a spec that a program has written wrongly: alternatives are told apart in time that grows with the square. */
const MAX_PARTS = 200;

/** The errors of the first two hundred systems, selections and the like that have any. */
function ofFirstParts(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const parts = new Set<string>();
  return errors.filter(({ instancePath }) => {
    const part = instancePath.split('/', 3).join('/');
    if (parts.size < MAX_PARTS) parts.add(part);
    return parts.has(part);
  });
}

function explainAll(errors: readonly ErrorObject[], spec: unknown): Problem[] {
  const outermost = errors
    .filter((error) => error.keyword === 'oneOf' || error.keyword === 'anyOf')
    .sort((a, b) => a.instancePath.length - b.instancePath.length || a.schemaPath.length - b.schemaPath.length)[0];
  if (outermost === undefined) return explainPlain(errors, spec);
  const within = errors.filter((error) => isWithin(error, outermost));
  const others = errors.filter((error) => error !== outermost && !within.includes(error));
  return [...explainChoice(outermost, within, spec), ...explainAll(others, spec)];
}

function isWithin(error: ErrorObject, choice: ErrorObject): boolean {
  const at = choice.instancePath;
  return (
    (error.instancePath === at || error.instancePath.startsWith(`${at}/`)) &&
    error.schemaPath.startsWith(`${choice.schemaPath}/`)
  );
}

/** One problem for a failed oneOf or anyOf: that of the alternative that was meant, else the choice there is. */
function explainChoice(choice: ErrorObject, within: readonly ErrorObject[], spec: unknown): Problem[] {
  const path = readPointer(choice.instancePath);
  const label = labelOf(path, spec);
  const here = (message: string): Problem[] => [{ path, at: 'key', message }];
  const branches = choice.schema as readonly Shape[];
  const isSecret = choice.parentSchema?.title === secretSchema.title;
  if (isSecret && !isShape(choice.data)) {
    return here(`${label} must name where it is kept, e.g. { env: ${exampleVariable(path)} }`);
  }

  const required = branches.map((branch) => (branch.required as readonly string[] | undefined) ?? []);
  const data = isShape(choice.data) ? choice.data : undefined;
  const present = required.flatMap((names) => names.filter((name) => data !== undefined && Object.hasOwn(data, name)));
  if (data !== undefined && required.every((names) => names.length === 1)) {
    if (present.length > 1) return here(`${label} must have only one of ${oneOfWords(present)}`);
    if (present.length === 0) {
      const words = required.flat();
      const unknown = Object.keys(data).find((key) => suggest(key, words) !== undefined);
      if (unknown !== undefined) return [unknownField(path, unknown, words, spec)];
      return here(`${label} must have one of ${oneOfWords(words)}`);
    }
  }

  const failures = branches.map((_, index) =>
    within.filter((error) => error.schemaPath.startsWith(`${choice.schemaPath}/${index}/`)),
  );
  const meant = branches
    .map((_, index) => index)
    .filter((index) => (failures[index] as ErrorObject[]).length > 0)
    .filter((index) => !(failures[index] as ErrorObject[]).some((error) => isOtherShape(error, choice)))
    .sort(
      (a, b) =>
        countPresent(required[b] as string[], data) - countPresent(required[a] as string[], data) ||
        (failures[a] as ErrorObject[]).length - (failures[b] as ErrorObject[]).length,
    )[0];
  if (meant !== undefined) return explainAll(failures[meant] as ErrorObject[], spec);
  // Alternatives of a mapping's fields have nothing to say about what is no mapping; its type has.
  if (data === undefined && branches.every(isAboutFields)) return [];
  const words = branches.map(describeSchema);
  return here(
    `${label} must be ${oneOfWords(words)}${typeof choice.data === 'string' ? didYouMean(choice.data, words) : ''}`,
  );
}

/** The alternative was not meant at all: the value is of another type or is another constant. */
function isOtherShape(error: ErrorObject, choice: ErrorObject): boolean {
  return error.instancePath === choice.instancePath && ['type', 'const', 'enum'].includes(error.keyword);
}

function isAboutFields(branch: Shape): boolean {
  return ['title', 'const', 'enum', 'type'].every((keyword) => branch[keyword] === undefined);
}

function countPresent(names: readonly string[], data: Shape | undefined): number {
  return data === undefined ? 0 : names.filter((name) => Object.hasOwn(data, name)).length;
}

function explainPlain(errors: readonly ErrorObject[], spec: unknown): Problem[] {
  const problems = errors.map((error) => explainOne(error, spec));
  // A misspelt field explains why the field that it stands for is missing.
  const misspelt = new Set(
    errors.flatMap((error) => {
      if (error.keyword !== 'additionalProperties') return [];
      const meant = suggest(String(error.params.additionalProperty), knownFields(error));
      return meant === undefined ? [] : [`${error.instancePath}/${meant}`];
    }),
  );
  return problems.filter((_, index) => {
    const error = errors[index] as ErrorObject;
    return error.keyword !== 'required' || !misspelt.has(`${error.instancePath}/${error.params.missingProperty}`);
  });
}

function explainOne(error: ErrorObject, spec: unknown): Problem {
  const path = readPointer(error.instancePath);
  const label = labelOf(path, spec);
  const { params, data, parentSchema } = error;
  const value = (message: string): Problem => ({ path, at: 'value', message });
  const key = (message: string): Problem => ({ path, at: 'key', message });
  if (error.propertyName !== undefined) {
    const hint = (parentSchema?.patternErrorMessage as string | undefined) ?? 'another name';
    return {
      path: [...path, error.propertyName],
      at: 'key',
      message: `${quote(error.propertyName)} cannot be a name here; use ${hint}`,
    };
  }
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(path, String(params.additionalProperty), knownFields(error), spec);
    case 'required':
      return key(`${whereOf(path, spec)} needs ${quote(String(params.missingProperty))}`);
    case 'dependencies':
      return key(
        `${whereOf(path, spec)} needs ${quote(String(params.missingProperty))} beside ${quote(String(params.property))}`,
      );
    case 'type':
      // A field of several types says what it may be.
      if (Array.isArray(parentSchema?.type) && typeof parentSchema.patternErrorMessage === 'string') {
        return key(`${label} must be ${parentSchema.patternErrorMessage}${data === null ? ', and is empty' : ''}`);
      }
      return key(`${label} must be ${typeWords(params.type)}${data === null ? ', and is empty' : ''}`);
    case 'enum':
      return value(explainEnum(error, path, label));
    case 'const':
      return value(`${label} must be ${JSON.stringify(params.allowedValue)}`);
    case 'pattern': {
      const hint = (parentSchema?.patternErrorMessage as string | undefined) ?? `text that matches ${params.pattern}`;
      return value(`${label} must be ${hint}`);
    }
    case 'minLength':
      return value(data === '' ? `${label} is empty` : `${label} must have at least ${params.limit} characters`);
    case 'maxLength':
      return value(`${label} must have at most ${params.limit} characters`);
    case 'minItems':
      return key(Number(params.limit) === 1 ? `${label} is an empty list` : `${label} needs ${params.limit} entries`);
    case 'minProperties':
      return key(`${whereOf(path, spec)} is empty`);
    case 'uniqueItems':
      return key(`${label} has the same entry twice`);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum': {
      const words = { '>=': 'at least', '<=': 'at most', '>': 'more than', '<': 'less than' } as const;
      return value(`${label} must be ${words[params.comparison as keyof typeof words]} ${params.limit}`);
    }
    default:
      return key(`${label} ${error.message ?? 'is not allowed'}`);
  }
}

function explainEnum(error: ErrorObject, path: readonly string[], label: string): string {
  const offered = error.parentSchema?.offered as readonly unknown[] | undefined;
  const allowed = (offered ?? (error.params.allowedValues as readonly unknown[])).map(String);
  const given = error.data;
  if (typeof given !== 'string') return `${label} must be ${oneOfWords(allowed)}`;
  const isConnector = path.length === 3 && path[2] === 'type' && (path[0] === 'sources' || path[0] === 'targets');
  const word = isConnector ? 'connector' : label;
  return `unknown ${word} ${quote(given)}${didYouMean(given, allowed) || `; use ${oneOfWords(allowed)}`}`;
}

function unknownField(path: readonly string[], field: string, known: readonly string[], spec: unknown): Problem {
  const used = mappingAt(spec, path) ?? {};
  const free = known.filter((name) => !Object.hasOwn(used, name));
  const hint = didYouMean(field, known) || (free.length > 0 ? `; possible here: ${free.join(', ')}` : '');
  return {
    path: [...path, field],
    at: 'key',
    message: `unknown field ${quote(field)} in ${whereOf(path, spec)}${hint}`,
  };
}

function knownFields(error: ErrorObject): string[] {
  return Object.keys((error.parentSchema?.properties as Shape | undefined) ?? {});
}

function describeSchema(schema: Shape): string {
  if (typeof schema.title === 'string') return schema.title;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.join(' or ');
  return typeWords(schema.type);
}

function typeWords(type: unknown): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
    null: 'empty',
  };
  const types = (Array.isArray(type) ? type : String(type).split(',')) as string[];
  return oneOfWords(types.map((name) => words[name] ?? name));
}

/** OLD_PASSWORD for sources.old.auth.password. */
function exampleVariable(path: readonly string[]): string {
  const words = path[0] === 'sources' || path[0] === 'targets' ? [path[1], path[path.length - 1]] : path.slice(-1);
  return words
    .join('_')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
