import { builtinModules, register } from 'node:module';

/*
 * Loads modules as a browser's bundle would, for a process started with `--import THIS`: package.json's "browser"
 * decides what stands for what, and nothing of Node can be imported.
 */

interface Resolved {
  readonly url: string;
}
interface Setting {
  /** package.json's "browser", and the folder that its paths are in, as a URL. */
  readonly map: Readonly<Record<string, string>>;
  readonly root: string;
}

const here = new URL(import.meta.url);
const data = here.searchParams.get('setting');
if (data !== null && here.searchParams.get('role') === 'preload') {
  register(`${here.origin === 'null' ? 'file://' : ''}${here.pathname}?role=hooks`, {
    data: JSON.parse(data),
  });
}

let setting: Setting = { map: {}, root: '' };

export function initialize(given: Setting): void {
  setting = given;
}

export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: unknown) => Promise<Resolved>,
): Promise<Resolved> {
  const { map, root } = setting;
  const instead = map[specifier];
  const named = instead?.startsWith('./') ? new URL(instead, root).href : (instead ?? specifier);
  if (named.startsWith('node:') || builtinModules.includes(named))
    throw new Error(`${context.parentURL} imports ${named}, which browsers do not have`);
  const resolved = await next(named, context);
  const path = resolved.url.startsWith(root) ? `./${resolved.url.slice(root.length)}` : null;
  const twin = path === null ? undefined : map[path];
  // A twin may import what it stands for in another place, but then that has a twin too.
  return twin === undefined ? resolved : { ...resolved, url: new URL(twin, root).href };
}
