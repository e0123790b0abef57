import { type Metric, metricTable } from '../../node/rpc/metricTable.js';

/** docs/reference/metrics.md. Pure. */
export function metricsReference(): string {
  const rows = Object.values(metricTable as Readonly<Record<string, Metric>>).map(
    ({ name, type, unit, help, label }) =>
      `| \`${name}${label === undefined ? '' : `{${label}}`}\` | ${type} | ${unit} | ${help} |`,
  );
  return `# Metrics

Made by \`npm run docs\` from the table of metrics (\`node/rpc/metricTable.ts\`; a new one is a line there).

\`GET /metrics\` of a node's RPC gives them in Prometheus' text format 0.0.4. A dashboard for Grafana and alerts for Prometheus that use them lie in [deploy/grafana](../../deploy/grafana/consilium.json) and [deploy/prometheus](../../deploy/prometheus/alerts.json); how they are set up is told in [operate/monitoring.md](../operate/monitoring.md).

| metric | type | unit | |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
