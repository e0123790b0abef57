/** A picture as data: what is kept beside the tables, and drawn when the document is made. */
export type Plot = LinePlot | BarPlot;

interface About {
  /** Small letters, digits and dashes; unique within its section: names the file. */
  readonly id: string;
  readonly title: string;
  readonly y: Axis;
}

/** Curves over a number, with error bars where a point has several values. */
export interface LinePlot extends About {
  readonly kind: 'lines';
  readonly x: Axis;
  /** At most 6. */
  readonly curves: readonly Curve[];
}

/** Groups of bars, one bar of each series in each group, with error bars where there are several values. */
export interface BarPlot extends About {
  readonly kind: 'bars';
  readonly groups: readonly string[];
  /** At most 6. `bars` has one entry a group; without values there is no bar. */
  readonly series: readonly { readonly name: string; readonly bars: readonly (readonly number[])[] }[];
}

export interface Axis {
  /** What and in which unit: "accuracy of the last model, %". */
  readonly label: string;
  /** Logarithmic axes want numbers above zero. Bars are linear. */
  readonly scale?: 'linear' | 'log';
  /** Where the axis begins and ends; left out: what the values need. */
  readonly from?: number;
  readonly to?: number;
}

export interface Curve {
  readonly name: string;
  /** Ascending in x. Values of one point, one a seed: drawn as mean, and mean ± standard deviation. */
  readonly points: readonly { readonly x: number; readonly values: readonly number[] }[];
  /** A reference rather than a result: drawn dashed, without marks. */
  readonly dashed?: true;
}
