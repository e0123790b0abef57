import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Loaded, loadSettings, type Setting, settings } from '../../settings/index.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';

/** What a command line says of a node's settings, by commander's names. */
export type SettingOptions = Readonly<Record<string, unknown>>;

/** Where the configuration is, and a flag for each setting. */
export function settingOptions(command: Command): Command {
  command.option(
    '--config <file>',
    'its configuration, or the folder of its config.json (default: what CONSILIUM_CONFIG names)',
  );
  for (const setting of settings) {
    if (setting.flag === null) continue;
    const { flag, meaning, words, isPath } = setting;
    const option = new Option(`--${flag} <${isPath ? 'file' : 'value'}>`, meaning);
    command.addOption(words === null ? option.argParser(checked(setting)) : option.choices([...words]));
  }
  return command;
}

/** The configuration that the options, the environment and the file make. Throws CliError "usage", ConfigError. */
export function settingsFrom(options: SettingOptions, { env }: Io): Loaded {
  const named = (options.config as string | undefined) ?? env.CONSILIUM_CONFIG;
  if (named === undefined) {
    throw new CliError('usage', 'which node? Give --config FILE, or set CONSILIUM_CONFIG');
  }
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? join(named, 'config.json') : named;
  if (!existsSync(file) && existsSync(join(dirname(file), 'card.json'))) {
    const hint = `run "consilium join ${dirname(file)}" with the genesis, the cards and the digest that you were told`;
    throw new CliError('bad-config', `${file} is not there: this validator has joined no chain yet`, hint);
  }
  const flags = settings.flatMap(({ path, flag }) => {
    const text = flag === null ? undefined : options[attributeOf(flag)];
    return text === undefined ? [] : [[path, text as string] as const];
  });
  return loadSettings({ file, env, flags: Object.fromEntries(flags) });
}

/** The configuration in a node's folder, as a node runs with it that is started in this environment. */
export function settingsIn(folder: string, { env }: Io): Loaded {
  return loadSettings({ file: join(folder, 'config.json'), env });
}

function attributeOf(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The text, if the setting takes it: told with the option's name. */
function checked({ read, schema }: Setting): (text: string) => string {
  return (text) => {
    let value: unknown;
    try {
      value = read(text);
    } catch (error) {
      throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}.`);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return text;
    throw new InvalidArgumentError(`${parsed.error.issues[0]!.message}.`);
  };
}
