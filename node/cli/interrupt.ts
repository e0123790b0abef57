import { exitCodes } from './exitCodes.js';
import { CliError } from './failure.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Aborts on Ctrl-C and on requests to end; a second one ends the process at once. Call `ignore` when the work is
 * done, so that signals have their usual meaning again.
 */
export function interrupt(): { readonly signal: AbortSignal; ignore(): void } {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new CliError('interrupted', `stopped by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    ignore: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
