import { z } from 'zod';
import { boundsOf, type Form } from '../../node/settings/bounds.js';

/** One field of a file. */
export interface FieldRow {
  /** With dots; `accounts[].name` of each entry, `layers[dense].units` of entries of that kind. */
  readonly place: string;
  readonly bounds: string;
  /** Undefined: none. */
  readonly fallback: unknown;
  readonly isRequired: boolean;
}

/** Every field of a file's schema, in its order. Groups have no row of their own, but for those that may be null. Pure. */
export function fieldRows(schema: z.ZodType): readonly FieldRow[] {
  return rowsIn(z.toJSONSchema(schema, { io: 'input' }) as Form, '');
}

function rowsIn({ properties = {}, required = [] }: Form, before: string): FieldRow[] {
  return Object.entries(properties).flatMap(([name, form]) => {
    const place = `${before}${name}`;
    if (form.type === 'object') return rowsIn(form, `${place}.`);
    const row = {
      place,
      bounds: boundsOf(form, 'null'),
      fallback: form.default,
      isRequired: required.includes(name),
    };
    const nullable = form.anyOf?.find(({ type }) => type === 'object');
    if (nullable !== undefined) return [row, ...rowsIn(nullable, `${place}.`)];
    return [row, ...entryRows(form.items, place)];
  });
}

function entryRows(items: Form | undefined, place: string): FieldRow[] {
  if (items?.oneOf !== undefined)
    return items.oneOf.flatMap((form) => rowsIn(form, `${place}[${String(form.properties!.kind!.const)}].`));
  return items?.type === 'object' ? rowsIn(items, `${place}[].`) : [];
}

/** A table of these rows; `more` adds one column. Pure. */
export function fieldTable(
  rows: readonly FieldRow[],
  meanings: Readonly<Record<string, string>>,
  more: { readonly title: string; readonly of: (place: string) => unknown } | null = null,
): string {
  const column = (text: string) => (more === null ? '' : ` ${text} |`);
  const told = (value: unknown) => (value === undefined ? '' : `\`${JSON.stringify(value)}\``);
  const lines = rows.map(({ place, bounds, fallback, isRequired }) => {
    const standing = isRequired ? 'has to be given' : told(fallback) || 'may be left out';
    const cells = `| \`${place}\` | ${bounds.replaceAll('|', '\\|')} | ${standing} |`;
    return `${cells}${column(told(more?.of(place)))} ${meanings[place]} |`;
  });
  return `| field | bounds | default |${column(more?.title ?? '')} means |
| --- | --- | --- |${column('---')} --- |
${lines.join('\n')}`;
}
