import type { RpcContext } from './context.js';

/** Prometheus' text format 0.0.4; every value is a gauge. Names become snake case under `consilium_`. */
export function prometheusText(context: RpcContext): string {
  const head = context.head();
  const gauges: Readonly<Record<string, number>> = {
    ...context.metrics(),
    height: head.height,
    headTimeSeconds: head.time / 1_000,
    period: context.agreement().period,
    peers: context.peers().length,
  };
  return Object.entries(gauges)
    .map(([name, value]) => {
      const metric = `consilium_${snakeCase(name)}`;
      return `# TYPE ${metric} gauge\n${metric} ${valueText(value)}\n`;
    })
    .join('');
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
