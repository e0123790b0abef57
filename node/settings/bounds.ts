/** What JSON Schema says of one field. */
export interface Form {
  readonly type?: string;
  readonly anyOf?: readonly Form[];
  readonly oneOf?: readonly Form[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Form;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly description?: string;
}

/** What a field may be, for people: "1 to 65535", "all, window", "64 hex digits, or none". `none`: what null is called. */
export function boundsOf(form: Form, none = 'none'): string {
  const { anyOf, enum: words, type, items } = form;
  if (anyOf !== undefined)
    return anyOf.map((each) => (each.type === 'null' ? none : boundsOf(each, none))).join(', or ');
  if (form.const !== undefined) return String(form.const);
  if (words !== undefined) return words.join(', ');
  if (type === 'boolean') return 'true, false';
  if (type === 'integer' || type === 'number') return rangeOf(form);
  if (type === 'array') return `${form.minItems ?? 0} to ${form.maxItems} of: ${boundsOf(items!, none)}`;
  if (type === 'object' || form.oneOf !== undefined) return 'an object';
  if (form.pattern === '^[0-9a-f]{64}$') return '64 hex digits';
  if (form.format === 'uri') return 'a URL, http or https';
  if (form.pattern !== undefined) return form.pattern;
  if (type === 'string') return `${form.minLength ?? 0} to ${form.maxLength} characters`;
  return 'any JSON';
}

function rangeOf({ type, minimum, exclusiveMinimum, maximum }: Form): string {
  const from = exclusiveMinimum === undefined ? String(minimum) : `above ${exclusiveMinimum}`;
  const to = maximum === Number.MAX_SAFE_INTEGER ? '2^53 − 1' : maximum;
  return `${type === 'number' ? 'a number, ' : ''}${from} to ${to}`;
}
