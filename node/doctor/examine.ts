import { fileURLToPath } from 'node:url';
import packageFile from '../../package.json' with { type: 'json' };
import { type Client, createClient, type ResultOf, RpcError } from '../rpc/index.js';
import { type NodeConfig, rpcUrlOf } from '../settings/index.js';
import { chainFinding, type Known, membershipFinding, openGenesis } from './chain.js';
import { diskFindings } from './disk.js';
import { modeFindings, openKeys } from './files.js';
import { type DoctorBounds, doctorBounds, type Finding, ok, skipped } from './finding.js';
import { peerFindings } from './peers.js';
import { portFindings } from './ports.js';
import { versionFindings, type Wanted } from './versions.js';

const ASK_MS = 5_000;

export interface Examined {
  readonly config: NodeConfig;
  readonly bounds?: DoctorBounds;
}

/** Node and libraries, without any node's configuration. */
export function examineProgram(
  wanted: Wanted = packageFile,
  nodeVersion = process.version,
  folder = fileURLToPath(new URL('.', import.meta.url)),
): readonly Finding[] {
  return versionFindings(wanted, nodeVersion, folder);
}

/**
 * Looks at everything that a node needs, whether or not it runs, and changes nothing. Cost: that of opening the chain
 * folder of a node that does not run, and of dialling its peers; bounded by seconds for each peer otherwise.
 */
export async function examineNode({ config, bounds = doctorBounds }: Examined): Promise<readonly Finding[]> {
  const { keys, finding: keysFinding } = openKeys(config);
  const { chain, finding: genesisFinding } = openGenesis(config);
  const running = keys === null ? null : await runningNode(config, keys.publicKey);
  const findings: Finding[] = [
    ok('configuration', `the settings of ${config.name} hold`),
    ...modeFindings(config),
    keysFinding,
    genesisFinding,
  ];
  let known: readonly Known[] = [];
  if (chain === null) findings.push(skipped('chain', 'not without its genesis'));
  else {
    const found = await chainFinding(config, chain, running?.status ?? null);
    findings.push(found.finding);
    known = running === null ? found.known : (await running.client.call('validator.list', {})).validators;
  }
  if (chain === null || keys === null) findings.push(skipped('membership', 'not without keys and genesis'));
  else findings.push(membershipFinding(keys, known));
  findings.push(...(await portFindings(config, running !== null)), ...diskFindings(config.dataDir, bounds));
  if (chain === null || keys === null) {
    return [
      ...findings,
      skipped('peers', 'not without keys and genesis'),
      skipped('clock', 'not without peers'),
    ];
  }
  return [...findings, ...(await peerFindings(config, chain, keys, known, running?.client ?? null))];
}

interface Running {
  readonly client: Client;
  readonly status: ResultOf<'node.status'>;
}

/** The node of this key, if it answers at its own address: another program there is not it. */
async function runningNode(config: NodeConfig, publicKey: string): Promise<Running | null> {
  const client = createClient(rpcUrlOf(config), { timeoutMs: ASK_MS });
  try {
    const status = await client.call('node.status', {});
    return status.publicKey === publicKey ? { client, status } : null;
  } catch (error) {
    if (error instanceof RpcError) return null;
    throw error;
  }
}
