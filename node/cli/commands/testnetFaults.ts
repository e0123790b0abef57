import type { Command } from 'commander';
import { openNetwork } from '../../provision/index.js';
import {
  healNetwork,
  killNodeProcess,
  partitionNetwork,
  pauseNodeProcess,
  startNodeProcess,
} from '../../testnet/index.js';
import type { Io } from '../io.js';

type Network = ReturnType<typeof openNetwork>;

/** `consilium testnet kill|start|pause|resume|partition|heal`: what is done to a local network on purpose. */
export function addFaults(testnet: Command, io: Io): void {
  const toEach = (
    name: string,
    description: string,
    done: string,
    act: (network: Network, node: string) => unknown,
  ) =>
    testnet
      .command(name)
      .argument('<folder>', 'the network')
      .argument('<names...>', 'validators')
      .description(description)
      .action(async (folder: string, names: string[], _, self: Command) => {
        const network = openNetwork(folder);
        for (const node of names) await act(network, node);
        tell(self, { [done]: names }, `${done} ${names.join(', ')}`, io);
      });
  toEach('kill', 'kill -9 validators, as a crash would', 'killed', killNodeProcess);
  toEach('start', 'start validators again', 'started', (network, node) =>
    startNodeProcess(network, node, { withParent: false }),
  );
  toEach('pause', 'stop validators where they are (SIGSTOP)', 'paused', (network, node) =>
    pauseNodeProcess(network, node, true),
  );
  toEach('resume', 'let paused validators go on', 'resumed', (network, node) =>
    pauseNodeProcess(network, node, false),
  );
  testnet
    .command('partition')
    .argument('<folder>', 'the network')
    .argument('<groups>', 'names with commas between them, groups with |; who is in none stands alone')
    .description('cut all links between groups of validators')
    .action(async (folder: string, groups: string, _, self: Command) => {
      const parted = groups.split('|').map((group) =>
        group
          .split(',')
          .map((name) => name.trim())
          .filter(Boolean),
      );
      await partitionNetwork(openNetwork(folder), parted);
      tell(self, { groups: parted }, `parted: ${parted.map((group) => group.join(' ')).join(' | ')}`, io);
    });
  testnet
    .command('heal')
    .argument('<folder>', 'the network')
    .description('link all validators again')
    .action(async (folder: string, _, self: Command) => {
      await healNetwork(openNetwork(folder));
      tell(self, { healed: true }, 'healed', io);
    });
}

function tell(self: Command, json: object, text: string, io: Io): void {
  io.out(self.optsWithGlobals().json === true ? JSON.stringify(json) : text);
}
