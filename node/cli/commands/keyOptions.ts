import type { Command } from 'commander';

/** The options of every command that signs as the publisher. */
export function keyOptions(command: Command): Command {
  return command
    .option('--keystore <file>', 'the publisher’s keys (default: those of --network)')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)');
}
