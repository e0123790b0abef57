import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { CliError } from '../../node/cli/failure.js';
import { interrupt } from '../../node/cli/interrupt.js';
import { runProgram, whole } from '../support/flags.js';
import type { Fabric } from './cluster.js';
import { namespacesMissing } from './namespaces.js';
import { type FaultsReport, runFaults } from './run.js';

const USAGE = `Runs networks of real validator processes, breaks them by a seed, and checks what clients saw.

  npm run test:faults                                   4 and 7 validators, about five minutes in all
  npm run test:faults -- --members 4 --fabric proxies --seed 17
                                                        one network again, with the same plan of faults

  --seed N         of the plan and the load; fresh and printed if left out
  --members N      only this number of validators; may be given more than once (4 and 7)
  --fabric F       proxies: all connections lead through proxies in this process, all kinds of faults;
                   namespaces: each node in a network namespace, the kernel loses packets (Linux, root, iproute2);
                   if left out: proxies, and once more with namespaces for the first number where that is possible
  --seconds S      how long faults are injected, in all networks together (300)
  --accounts N     clients of each network (12)
  --training       each hospital trains a task with a device of its own, too
  --recover-ms N   a finding if the nodes are not level so long after healing (10000)
  --json           print one JSON object a network, and nothing else to stdout

Exit code 1 if anything was found; then the folder with logs and history is kept, and the command that repeats it
is printed. The plan of faults is repeated exactly, the machine's timing is not.`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    members: { type: 'string', multiple: true, default: ['4', '7'] },
    fabric: { type: 'string' },
    seconds: { type: 'string', default: '300' },
    accounts: { type: 'string', default: '12' },
    training: { type: 'boolean', default: false },
    'recover-ms': { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else {
  await runProgram(main, (error) =>
    error instanceof CliError && error.code === 'interrupted' ? exitCodes.interrupted : null,
  );
}

async function main(): Promise<number> {
  const members = values.members.map((text) => whole('members', text, 4, 20));
  const seconds = whole('seconds', values.seconds, 1, 86_400);
  const accounts = whole('accounts', values.accounts, 1, 64);
  const recoverMs = whole('recover-ms', values['recover-ms'], 1, 600_000);
  const networks = networksOf(members, values.fabric);
  const { signal } = interrupt();
  let code = 0;
  for (const { count, fabric } of networks) {
    const seed = values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0, 2 ** 31 - 1);
    const { training, json } = values;
    const share = Math.ceil(seconds / networks.length);
    say(`${count} validators on ${fabric}, seed ${seed}, ${share} s of faults`);
    const options = {
      seed,
      members: count,
      seconds: share,
      accounts,
      training,
      fabric,
      recoverMs,
      say,
      signal,
    };
    const report = await runFaults(options);
    console.log(json ? JSON.stringify(report) : textOf(report));
    if (report.findings.length === 0) continue;
    code = 1;
    const again = `--members ${count} --fabric ${fabric} --seed ${seed} --seconds ${share} --accounts ${accounts}`;
    console.error(`again: npm run test:faults -- ${again}${training ? ' --training' : ''}`);
    console.error(`logs and history: ${report.folder}`);
  }
  return code;
}

/** Which networks run one after another. */
function networksOf(members: readonly number[], fabric: string | undefined) {
  const on = (fabric: Fabric) => members.map((count) => ({ count, fabric }));
  if (fabric === 'proxies') return on('proxies');
  if (fabric !== undefined && fabric !== 'namespaces')
    throw new RangeError('--fabric: proxies or namespaces');
  const missing = namespacesMissing();
  if (fabric === 'namespaces') {
    if (missing !== null) throw new RangeError(`no network namespaces here: ${missing}`);
    return on('namespaces');
  }
  if (missing === null) return [...on('proxies'), ...on('namespaces').slice(0, 1)];
  say(`without network namespaces: ${missing}`);
  return on('proxies');
}

function say(line: string): void {
  console.error(line);
}

function textOf(report: FaultsReport): string {
  const { checked, recoveryMs, restartMs } = report;
  const kinds = Object.entries(report.faultsByKind).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${report.members} validators on ${report.fabric}, seed ${report.seed}: ${report.faults} faults (${kinds.join(', ')})`,
    `  episodes ${report.episodes}, beyond f ${report.episodesBeyond}; heights ${checked.heights}, forks ${checked.forks}`,
    `  transactions: submitted ${checked.submitted}, acknowledged ${checked.acknowledged}, of these lost ${checked.acknowledgedLost}; accepted and lost with a killed node ${checked.acceptedLost}`,
    `  level after healing: p50 ${recoveryMs.p50} ms, max ${recoveryMs.max} ms; restart: p50 ${restartMs.p50} ms, max ${restartMs.max} ms`,
    `  machine: timers late p99 ${report.machine.timerLateMsP99} ms, max ${report.machine.timerLateMsMax} ms; load ${report.machine.load}`,
    ...(report.rounds === null
      ? []
      : [`  training: rounds closed ${report.rounds.closed}, failed ${report.rounds.failed}`]),
    `  audit ${report.audited ? 'passed' : 'FAILED'}; findings ${report.findings.length}`,
    ...report.findings.map((finding) => `  FOUND ${finding}`),
  ].join('\n');
}
