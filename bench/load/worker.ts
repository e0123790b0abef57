/** A load process: prepares (signs) everything first, says "ready", and sends when it is told to. */
import { setTimeout as delay } from 'node:timers/promises';
import { createDialect, type Dialect } from './dialect.js';
import type { FromLoad, Light, LoadJob, LoadReport, ToLoad } from './message.js';
import { SustainedLoad } from './sustained.js';

const job = JSON.parse(process.argv[2]!) as LoadJob;
const dialect = createDialect(job.dialect, job.chainId, job.accounts, job.classes);
const { shape } = job;
const load =
  shape.kind === 'sustained'
    ? new SustainedLoad(dialect, job.urls, job.accounts, shape)
    : lightLoad(dialect, job.urls, shape);

process.on('message', (message: ToLoad) => {
  switch (message.kind) {
    case 'go':
      load.run().then(
        (report) => tell({ kind: 'done', report }),
        (error: unknown) => tell({ kind: 'failed', reason: String(error) }),
      );
      break;
    case 'committed':
      load.committed(message.total);
      break;
    case 'measure':
      load.measure();
      break;
    case 'stop':
      load.stop();
      break;
    default:
      message satisfies never;
  }
});
// The parent is gone: so is the reason to go on.
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready', transactionBytes: dialect.transactionBytes });

function tell(message: FromLoad): void {
  process.send!(message);
}

/** The first few warm both sides up and aren't counted. */
function lightLoad(to: Dialect, urls: readonly string[], { account, everyMs, count }: Light) {
  const WARM_UP = 8;
  let running = true;
  const run = async (): Promise<LoadReport> => {
    const finalityMs: number[] = [];
    for (let nth = 0; running && nth < WARM_UP + count; nth += 1) {
      const prepared = to.prepare(account, nth);
      const begun = performance.now();
      await to.commit(urls[nth % urls.length]!, prepared);
      const tookMs = performance.now() - begun;
      if (nth >= WARM_UP) finalityMs.push(tookMs);
      await delay(Math.max(0, everyMs - tookMs));
    }
    return { sent: WARM_UP + count, refused: 0, lastRefusal: null, ranDry: false, finalityMs };
  };
  return {
    run,
    committed: () => {},
    measure: () => {},
    stop: () => {
      running = false;
    },
  };
}
