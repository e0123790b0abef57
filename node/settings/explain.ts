import { settings } from './list.js';
import { type Loaded, type Origin, valueAt } from './load.js';

/** What a node would run with, setting by setting. */
export interface Explained {
  readonly setting: string;
  readonly value: unknown;
  readonly from: Origin;
  /** The source's own name: the variable, the flag; null: file or default. */
  readonly by: string | null;
  readonly default: unknown;
  readonly required: boolean;
  readonly unit: string | null;
  readonly bounds: string;
  readonly meaning: string;
  readonly env: string | null;
  readonly flag: string | null;
}

/** Every setting with its value and where it comes from; what opens something is left out. Pure. */
export function explainSettings({ config, origins }: Loaded): readonly Explained[] {
  return settings.map((setting) => {
    const from = origins.get(setting.path)!;
    const flag = setting.flag === null ? null : `--${setting.flag}`;
    return {
      setting: setting.path,
      value: withoutSecrets(valueAt(config, setting.path) ?? null),
      from,
      by: from === 'environment' ? setting.env : from === 'flag' ? flag : null,
      default: setting.fallback ?? null,
      required: setting.isRequired,
      unit: setting.unit,
      bounds: setting.bounds,
      meaning: setting.meaning,
      env: setting.env,
      flag,
    };
  });
}

/** No setting is a secret (they name files that hold them), but a URL may carry a password. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'string') return value;
  return value.replace(/^(\w+:\/\/)[^/@]*@/, '$1***@');
}
