import { z } from 'zod';
import { boundsOf, type Form } from './bounds.js';
import { nodeConfigSchema } from './schema.js';

/** One thing that can be set. */
export interface Setting {
  /** As in the file, with dots: `rpc.port`. */
  readonly path: string;
  /** Null: only by file. */
  readonly env: string | null;
  /** Without dashes; null: only by file. */
  readonly flag: string | null;
  readonly meaning: string;
  readonly unit: string | null;
  /** For people: "1 to 65535", "all, window" ... */
  readonly bounds: string;
  /** Undefined: there is none, and it may have to be given. */
  readonly fallback: unknown;
  readonly isRequired: boolean;
  readonly isPath: boolean;
  /** All values that there are; null: more than can be listed. */
  readonly words: readonly string[] | null;
  /** The value that a text from the environment or a flag stands for; not checked yet. Throws SyntaxError: not JSON. */
  readonly read: (text: string) => unknown;
  readonly schema: z.ZodType;
}

/** What JSON Schema says of one setting, beside what `said` adds. */
interface SaidForm extends Form {
  readonly unit?: string;
  readonly isPath?: true;
  readonly onlyFile?: true;
}

/** The flag that was there before the others. */
const FLAGS: Readonly<Record<string, string>> = { devicesDir: 'devices' };

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = leaves(nodeConfigSchema.shape, '');

/** Environment variables of ours that are no settings. */
export const otherVariables: readonly string[] = ['CONSILIUM_CONFIG', 'CONSILIUM_DEBUG'];

export function settingAt(path: string): Setting | undefined {
  return settings.find((each) => each.path === path);
}

function leaves(shape: Readonly<Record<string, z.ZodType>>, before: string): Setting[] {
  return Object.entries(shape).flatMap(([key, schema]) => {
    if (key === 'version') return [];
    const path = `${before}${key}`;
    return schema instanceof z.ZodObject ? leaves(schema.shape, `${path}.`) : [settingOf(path, schema)];
  });
}

function settingOf(path: string, schema: z.ZodType): Setting {
  const form = z.toJSONSchema(schema, { io: 'input' }) as SaidForm;
  const words = path
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('.', ' ')
    .toLowerCase();
  const byFile = form.onlyFile === true;
  return {
    path,
    env: byFile ? null : `CONSILIUM_${words.replaceAll(' ', '_').toUpperCase()}`,
    flag: byFile ? null : (FLAGS[path] ?? words.replaceAll(' ', '-')),
    meaning: form.description!,
    unit: form.unit ?? null,
    bounds: boundsOf(form),
    fallback: form.default,
    isRequired: !schema.safeParse(undefined).success,
    isPath: form.isPath === true,
    words: (form.enum as readonly string[] | undefined) ?? null,
    read: (text) => readText(form, text),
    schema,
  };
}

function readText(form: Form, text: string): unknown {
  const forms = form.anyOf ?? [form];
  if (text === 'none' && forms.some(({ type }) => type === 'null')) return null;
  const { type, items } = forms[0]!;
  if (type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type !== 'array') return text;
  if (items!.type === 'object') return JSON.parse(text) as unknown;
  return text === '' ? [] : text.split(',');
}
