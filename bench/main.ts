import { accountants } from './accountants.js';
import { attacks } from './attacks.js';
import { chain } from './chain.js';
import { consensus } from './consensus.js';
import { join } from './join.js';
import { choose } from './learning/choose.js';
import { learning } from './learning.js';
import { mainJob } from './mainJob.js';
import { node } from './node.js';
import { payloads } from './payloads.js';
import { pmta } from './pmta.js';
import { privacyAudit } from './privacyAudit.js';
import type { Row } from './row.js';
import { statePauses } from './statePauses.js';
import { stateTree } from './stateTree.js';
import { store } from './store.js';
import { verify } from './verify.js';
import { wire } from './wire.js';

/** A bench is one file and one line here. Run: npm run bench -- NAME [--json] [arguments of its own]. */
const benches: Readonly<
  Record<string, (args: readonly string[]) => Promise<readonly Row[]> | readonly Row[]>
> = {
  'main-job': mainJob,
  accountants,
  'privacy-audit': privacyAudit,
  attacks,
  chain,
  consensus,
  join,
  learning,
  choose,
  'state-tree': stateTree,
  'state-pauses': statePauses,
  store,
  node,
  payloads,
  pmta,
  verify,
  wire,
};

const [name = '', ...rest] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(`bench: say which: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  const rows = await bench(rest.filter((argument) => argument !== '--json'));
  if (rest.includes('--json')) console.log(JSON.stringify({ rows }));
  else
    for (const { name: what, value, unit, goal, met, reference } of rows) {
      const verdict = met === null ? '' : met ? `  goal ${goal}: met` : `  goal ${goal}: NOT met`;
      console.log(
        `${what.padEnd(60)} ${value.toFixed(Math.abs(value) < 10 ? 2 : 1)} ${unit}${verdict}${reference === null ? '' : `  (${reference})`}`,
      );
    }
}
