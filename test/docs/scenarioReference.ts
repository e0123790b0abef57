import { sentences } from '../../node/cli/scenario/sentences.js';

/** docs/reference/scenarios.md. Pure. */
export function scenarioReference(): string {
  return `# Scenarios

Made by \`npm run docs\` from the sentences that there are (\`node/cli/scenario/sentences.ts\`; a new one is an entry there).

\`consilium testnet play FILE\` starts a local network, does to it what the file says, and checks what the file expects. One sentence a line, \`#\` begins a comment. The first one that does not hold ends it with exit code 1, the line, and the nodes' logs; afterwards no process and no folder is left. A CI job is that one command; \`--json\` tells each line as an object.

    ${sentences.map(({ example }) => example).join('\n    ')}

Task files are looked for beside the scenario. Kills are SIGKILL and pauses SIGSTOP of real processes; a partition makes nodes drop all links between groups (\`admin.cut\`), and a node that is started afterwards has all of its links. Delays, drops, one-way links and wrong clocks are those of \`npm run test:faults\` ([faults.md](../faults.md)).

An example that CI plays: [test/scenarios/outage.scenario](../../test/scenarios/outage.scenario).
`;
}
