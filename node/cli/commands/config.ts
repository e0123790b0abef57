import type { Command } from 'commander';
import { type Explained, explainSettings } from '../../settings/index.js';
import { formatColumns, type Io } from '../io.js';
import { type SettingOptions, settingOptions, settingsFrom } from './settingOptions.js';

const EXAMPLES = `
A flag wins over the environment, the environment over the file, the file over the default.

Examples:
  consilium config explain --config ./north/config.json
  CONSILIUM_RPC_PORT=4100 consilium config explain --config ./north/config.json
  consilium config explain --config ./north/config.json --log-level debug --json`;

/** `consilium config explain`. */
export function addConfig(config: Command, io: Io): void {
  config.addHelpText('after', EXAMPLES);
  settingOptions(config.command('explain'))
    .description('every setting of a node: its value, where it comes from, default, bounds and meaning')
    .addHelpText('after', EXAMPLES)
    .action((_, self: Command) => {
      const options = self.optsWithGlobals<SettingOptions>();
      const explained = explainSettings(settingsFrom(options, io));
      io.out(options.json === true ? JSON.stringify(explained) : formatExplained(explained));
    });
}

/** For people. Pure. */
export function formatExplained(explained: readonly Explained[]): string {
  const rows = explained.map((each) => {
    const { setting, value, from, by, unit } = each;
    return [setting, `${textOf(value)}${unit === null || value === null ? '' : ` ${unit}`}`, by ?? from];
  });
  const lines = formatColumns([['setting', 'value', 'from'], ...rows]).split('\n');
  return [
    lines[0],
    ...explained.flatMap((each, index) => [lines[index + 1], ...aboutOf(each).map((line) => `    ${line}`)]),
  ].join('\n');
}

function aboutOf({ meaning, bounds, default: fallback, required, env, flag }: Explained): readonly string[] {
  const standing = required ? 'has to be given' : `default ${textOf(fallback)}`;
  const ways = env === null ? 'by file only' : `${env}, ${flag}`;
  return [meaning, `${bounds}; ${standing}; ${ways}`];
}

function textOf(value: unknown): string {
  if (value === null) return 'none';
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
