import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Metric, metricTable } from '../../../node/rpc/metricTable.js';

const file = (path: string) => new URL(`../../../${path}`, import.meta.url);
const readJson = (path: string) => JSON.parse(readFileSync(file(path), 'utf8'));

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

const metrics = Object.values(metricTable as Readonly<Record<string, Metric>>);
const names = metrics.map(({ name }) => name);
const words = new Set(
  'sum min max rate abs by time min_over_time label_values instance reason job up'.split(' '),
);

/** What an expression of PromQL names, without texts, durations and variables. Pure. */
function namesIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\$\w+/g, '');
  return [...bare.matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name));
}

const dashboard = readJson('deploy/grafana/consilium.json') as {
  panels: Panel[];
  templating: { list: { query: string }[] };
};
const { groups } = readJson('deploy/prometheus/alerts.json') as {
  groups: { rules: { alert: string; expr: string; annotations: { runbook: string } }[] }[];
};
const rules = groups.flatMap((group) => group.rules);

describe('the dashboard', () => {
  const exprs = dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => [title, expr] as const),
  );

  it.each(exprs)('names metrics that there are: %s: %s', (_, expr) => {
    expect(namesIn(expr).filter((name) => !names.includes(name))).toEqual([]);
    expect(namesIn(expr).length).toBeGreaterThan(0);
    expect(balanced(expr)).toBe(true);
  });

  it('takes the rate of what is counted, and of nothing else but the height', () => {
    for (const [, expr] of exprs) {
      for (const [, name] of expr.matchAll(/rate\((\w+)/g)) {
        const { type } = metrics.find((metric) => metric.name === name)!;
        expect([name, type === 'counter' || name === 'consilium_height']).toEqual([name, true]);
      }
    }
  });

  it('shows every metric somewhere', () => {
    const shown = new Set(
      [...exprs.map(([, expr]) => expr), ...rules.map(({ expr }) => expr)].flatMap(namesIn),
    );
    const unshown = names.filter((name) => !shown.has(name));
    expect(unshown).toEqual(['consilium_pruned_payloads', 'process_start_time_seconds']);
  });

  it('has panels that do not lie on each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

describe('the alerts', () => {
  it.each(rules.map(({ alert, expr, annotations }) => [alert, expr, annotations.runbook] as const))(
    '%s names metrics, reasons and a page that there are',
    (_, expr, runbook) => {
      expect(namesIn(expr).filter((name) => !names.includes(name))).toEqual([]);
      expect(balanced(expr)).toBe(true);
      expect(existsSync(file(runbook))).toBe(true);
      const inbox =
        readFileSync(file('node/driver/inbox.ts'), 'utf8') +
        readFileSync(file('node/driver/message.ts'), 'utf8') +
        readFileSync(file('consensus/agreement/vote.ts'), 'utf8');
      for (const reason of (/reason=~"([^"]+)"/.exec(expr)?.[1] ?? '').split('|').filter(Boolean))
        expect(inbox).toContain(`'${reason}'`);
    },
  );
});

function balanced(expr: string): boolean {
  return ['()', '{}', '[]'].every(([open, close]) => expr.split(open!).length === expr.split(close!).length);
}
