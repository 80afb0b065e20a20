/** A schema as a flat list of its properties, for pages and `migrate connectors`. */
import { secretSchema } from '../connectors/manifest.js';

export interface OptionRow {
  /** Path with dots; `[]` for entries of a list, `<name>` for names of the user's choice. */
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** The default as JSON would write it, but text without quotes. */
  readonly fallback?: string;
  readonly description: string;
}

type Shape = Readonly<Record<string, unknown>>;

/** The properties of an object schema, those of nested objects and lists behind their own row. */
export function listOptions(schema: object, prefix = ''): OptionRow[] {
  const { required = [], properties = {} } = schema as {
    readonly required?: readonly string[];
    readonly properties?: Readonly<Record<string, Shape>>;
  };
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = prefix + key;
    const row: OptionRow = {
      name,
      type: typeOf(property),
      required: required.includes(key),
      ...(property.default !== undefined && { fallback: asText(property.default) }),
      description: String(property.description ?? ''),
    };
    return [row, ...nested(property, name)];
  });
}

function nested(property: Shape, name: string): OptionRow[] {
  if (isSecret(property)) return [];
  const items = property.items as Shape | undefined;
  if (items?.properties !== undefined) return listOptions(items, `${name}[].`);
  const values = property.additionalProperties;
  if (isShape(values) && values.properties !== undefined) return listOptions(values, `${name}.<name>.`);
  const choices = (property.anyOf ?? property.oneOf) as readonly Shape[] | undefined;
  return [...listOptions(property, `${name}.`), ...(choices ?? []).flatMap((choice) => nested(choice, name))];
}

function typeOf(schema: Shape): string {
  if (isSecret(schema)) return 'secret';
  if (schema.const !== undefined) return asText(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(asText).join(' | ');
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Shape[] | undefined;
  if (choices !== undefined && schema.type === undefined) {
    return choices.map((choice) => (choice.title as string | undefined) ?? typeOf(choice)).join(' | ');
  }
  if (schema.type === 'array') return `list of ${typeOf((schema.items as Shape | undefined) ?? {})}`;
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'whole number',
    object: 'mapping',
    boolean: 'true | false',
  };
  return [schema.type]
    .flat()
    .map((type) => words[String(type)] ?? String(type))
    .join(' | ');
}

export function isSecret(schema: Shape): boolean {
  return schema.title === secretSchema.title;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
