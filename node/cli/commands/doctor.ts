import type { Command } from 'commander';
import { ConfigError } from '../../config.js';
import type { Finding } from '../../doctor/index.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { type SettingOptions, settingOptions, settingsFrom } from './settingOptions.js';

const EXAMPLES = `
The node may run or not; nothing is changed. Of one that does not run the whole chain folder is checked, and its peers are
dialled under its own key. Exit code 0: no fault (there may be warnings); 1: there is one.

Examples:
  consilium doctor --config ./north/config.json
  consilium doctor --config ./north/config.json --json`;

/** `consilium doctor`. */
export function addDoctor(command: Command, io: Io): void {
  settingOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (_, self: Command) => {
      await examine(self.optsWithGlobals<SettingOptions>(), io);
    });
}

async function examine(options: SettingOptions, io: Io): Promise<void> {
  const { examineNode, examineProgram, fault } = await import('../../doctor/index.js');
  const findings: Finding[] = [...examineProgram()];
  try {
    findings.push(...(await examineNode(settingsFrom(options, io))));
  } catch (error) {
    if (!(error instanceof ConfigError || (error instanceof CliError && error.code === 'bad-config')))
      throw error;
    findings.push(fault('configuration', error.message, mendOf(error)));
  }
  io.out(options.json === true ? JSON.stringify(findings) : formatFindings(findings));
  const faults = findings.filter(({ status }) => status === 'fault').length;
  if (faults > 0)
    throw new CliError('check-failed', faults === 1 ? 'there is a fault' : `there are ${faults} faults`);
}

function mendOf(error: ConfigError | CliError): string {
  if (error instanceof CliError && error.hint !== null) return error.hint;
  if (error.code === 'missing-file')
    return '"consilium init" and "consilium join" make one (docs/operate/network.md)';
  return 'mend that place; "consilium config explain" shows every setting with its bounds';
}

/** For people. Pure. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .flatMap(({ check, status, message, mend }) => [
      `${status.padEnd(7)}  ${check.padEnd(13)}  ${message}`,
      ...(mend === null ? [] : [`${' '.repeat(24)}→ ${mend}`]),
    ])
    .join('\n');
}
