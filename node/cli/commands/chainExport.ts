import type { Command } from 'commander';
import { HEIGHT_MAX, wholeNumber } from '../args.js';
import type { Io } from '../io.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium chain export chain.car --network ./net
  consilium chain export year.car --network ./net --from 1000 --to 2000 --state   a range that can be replayed`;

interface Options extends NodeOptions {
  readonly from?: number;
  readonly to?: number;
  readonly state?: boolean;
  readonly json?: boolean;
}

/** `consilium chain export`. */
export function addExport(chain: Command, io: Io): void {
  nodeOptions(chain.command('export').argument('<file>', 'the CAR file to write'))
    .description('write blocks, certificates and payloads of a node’s chain into one file')
    .option(
      '--from <height>',
      'first height; the first that the node has if not given',
      wholeNumber(1, HEIGHT_MAX),
    )
    .option('--to <height>', 'last height; the head if not given', wholeNumber(1, HEIGHT_MAX))
    .option('--state', 'put the state before --from into the file, computed by replaying all before it')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, _, self: Command) => {
      await exportTo(file, self.optsWithGlobals(), io);
    });
}

async function exportTo(file: string, options: Options, io: Io): Promise<void> {
  const { exportChain } = await import('../../export/index.js');
  const { from, to, state = false, json } = options;
  const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const done = await nodesOf(options).use(({ url }) =>
    exportChain({ url, file, withState: state, ...range }),
  );
  if (json) return io.out(JSON.stringify({ file, ...done }));
  const { blocks, payloads, absent, bytes } = done;
  io.out(`${file}: ${blocks} blocks, ${payloads} payloads, ${bytes} bytes`);
  if (absent > 0)
    io.note(`${absent} payloads are not in it: the node has pruned them. An audit will say so.`);
}
