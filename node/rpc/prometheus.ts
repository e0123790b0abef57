import type { RpcContext } from './context.js';
import { type Metric, metricTable } from './metricTable.js';

type Sample = readonly [label: string, value: number];

/** Prometheus' text format 0.0.4. What the node measures and the table does not know is left out. */
export function prometheusText(context: RpcContext): string {
  const measured = measure(context);
  const refused = Object.entries(measured).flatMap(([key, value]) =>
    key.startsWith('refused') ? [[reasonOf(key), value] as const] : [],
  );
  return Object.entries(metricTable as Readonly<Record<string, Metric>>)
    .map(([key, metric]) => textOf(metric, samplesOf(key, metric, measured, refused)))
    .join('');
}

function samplesOf(
  key: string,
  { label }: Metric,
  measured: Readonly<Record<string, number>>,
  refused: readonly Sample[],
): readonly Sample[] {
  if (label !== undefined) return refused.map(([reason, value]) => [`{${label}="${reason}"}`, value]);
  const value = measured[key];
  return value === undefined ? [] : [['', value]];
}

function measure(context: RpcContext): Readonly<Record<string, number>> {
  const head = context.head();
  const { user, system } = process.cpuUsage();
  return {
    ...context.metrics(),
    height: head.height,
    headTimeSeconds: head.time / 1_000,
    period: context.agreement().period,
    peers: context.peers().length,
    ready: context.health().ready ? 1 : 0,
    processCpuSeconds: (user + system) / 1e6,
    processResidentBytes: process.memoryUsage.rss(),
    processStartSeconds: performance.timeOrigin / 1_000,
  };
}

function textOf({ name, type, help }: Metric, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([label, value]) => `${name}${label} ${valueText(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** refusedBadSignature: bad-signature. */
function reasonOf(key: string): string {
  return key
    .slice('refused'.length)
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
