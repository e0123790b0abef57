import type { NetworkFolder } from '../provision/index.js';
import {
  type NodeProcess,
  nodePid,
  type StartOptions,
  startNodeProcess,
  stopNodeProcess,
} from './nodeProcess.js';

/**
 * Starts every validator of a network that does not run yet and waits until all are ready.
 * If one fails, those that this call started are stopped again. Throws TestnetError, of the first that failed.
 */
export async function startTestnet(
  network: NetworkFolder,
  options: StartOptions,
  onReady: (name: string) => void = () => {},
): Promise<readonly NodeProcess[]> {
  const names = network.file.nodes.map(({ name }) => name).filter((name) => nodePid(network, name) === null);
  const results = await Promise.allSettled(
    names.map(async (name) => {
      const started = await startNodeProcess(network, name, options);
      onReady(name);
      return started;
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (failed === undefined) return started;
  await Promise.all(started.map(({ name }) => stopNodeProcess(network, name)));
  throw failed.reason;
}

/** Stops every validator of a network that runs, whoever started it; nothing else. Returns their names. */
export async function stopTestnet(network: NetworkFolder): Promise<readonly string[]> {
  const names = network.file.nodes.map(({ name }) => name);
  const stopped = await Promise.all(names.map((name) => stopNodeProcess(network, name)));
  return names.filter((_, index) => stopped[index]);
}
