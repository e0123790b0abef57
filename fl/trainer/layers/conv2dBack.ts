import { type Conv2dLayer, sizeOf } from '../../index.js';
import { addCombination, layOut } from '../kernels/index.js';
import { type Backward, type Call, NO_PLACE, type Slopes } from './rule.js';

/**
 * How one record lies in the kernels' memory: framed with zeros. Rows of a window are filled up to whole vectors; what is
 * read there belongs to the next pixels, and nobody looks at what comes of it.
 */
interface Frame {
  /** Pixels of frame on each side. */
  readonly edge: number;
  /** Floats of a framed row, of a window's row, of a window, of a framed image. */
  readonly line: number;
  readonly run: number;
  readonly window: number;
  readonly image: number;
  readonly positions: number;
  /** First float of the window at each position. */
  readonly corners: Uint32Array;
}

/**
 * Back through a convolution of stride 1: each record's gradient of kernel and bias, and of the image if asked.
 *
 * Both are sums over the slopes that are not zero, computed record by record: the gradient of a filter is its slopes times
 * the windows they stand for; that of a window is the filters times the slopes at its position.
 * d: of [rows][positions][filters]. Cost: (kernel's size) · (slopes that are not zero) multiplications, twice with the image.
 */
export function convolveBack(call: Call<Conv2dLayer>, d: Slopes, wantsInput: boolean): Backward {
  const { layer, input, output, rows, offset, x } = call;
  const frame = frameOf(call);
  const places = placesOf(call, frame);
  const width = places.length;
  const g = new Float32Array(rows * width);
  const dx = wantsInput ? new Float32Array(rows * sizeOf(input)) : null;
  const desk = deskOf(frame, layer.filters);
  if (wantsInput) turnKernel(call, places, desk.kernel);
  const [from, size] = [sizeOf(input), sizeOf(output)];
  for (let row = 0; row < rows; row++) {
    takeTerms(layer, frame, desk, d, row, { size, rows });
    copyFramed(call, frame, desk.image, x.subarray(row * from, (row + 1) * from), true);
    recordGradient(call, frame, desk, g.subarray(row * width, (row + 1) * width));
    if (dx === null) continue;
    recordImage(call, frame, desk);
    copyFramed(call, frame, desk.imageSlopes, dx.subarray(row * from, (row + 1) * from), false);
  }
  return { part: { kind: 'rows', offset, width, places, g }, dx };
}

function frameOf({ layer: { size, padding }, input, output }: Call<Conv2dLayer>): Frame {
  const [height, width, channels] = [input[0]!, input[1]!, input[2]!];
  const edge = padding === 'same' ? (size - 1) / 2 : 0;
  const line = (width + 2 * edge) * channels;
  const run = (size * channels + 3) & -4;
  const [lines, columns] = [output[0]!, output[1]!];
  const corners = new Uint32Array(lines * columns);
  for (let at = 0; at < corners.length; at++)
    corners[at] = Math.floor(at / columns) * line + (at % columns) * channels;
  const image = (height + 2 * edge) * line + 4;
  return { edge, line, run, window: size * run, image, positions: corners.length, corners };
}

/** Gradients are made as [filters][window], then the biases; the layer has [size, size, channels, filters] and those. */
function placesOf({ layer: { filters, size }, input }: Call<Conv2dLayer>, frame: Frame): Uint32Array {
  const used = size * input[2]!;
  const places = new Uint32Array(filters * (frame.window + 1)).fill(NO_PLACE);
  for (let row = 0; row < size; row++)
    for (let at = 0; at < used; at++)
      for (let filter = 0; filter < filters; filter++)
        places[filter * frame.window + row * frame.run + at] = (row * used + at) * filters + filter;
  for (let filter = 0; filter < filters; filter++)
    places[filters * frame.window + filter] = size * used * filters + filter;
  return places;
}

type Desk = ReturnType<typeof deskOf>;

function deskOf({ image, window, positions }: Frame, filters: number) {
  const terms = positions * filters;
  const layout = layOut(4 * (2 * image + 2 * filters * window + 4 * terms) + 16 * 8);
  const desk = {
    image: layout.floats(image),
    imageSlopes: layout.floats(image),
    /** [filters][window], both. */
    gradient: layout.floats(filters * window),
    kernel: layout.floats(filters * window),
    /** A record's slopes that are not zero, once by filter, [filters][positions], once by position, and how many each has. */
    byFilter: {
      windows: layout.whole(terms),
      values: layout.floats(terms),
      counts: new Uint32Array(filters),
    },
    byPosition: {
      filters: layout.whole(terms),
      values: layout.floats(terms),
      counts: new Uint32Array(positions),
    },
    biases: new Float64Array(filters),
  };
  desk.image.fill(0);
  return desk;
}

function turnKernel({ weights }: Call<Conv2dLayer>, places: Uint32Array, kernel: Float32Array): void {
  for (let at = 0; at < kernel.length; at++) kernel[at] = places[at] === NO_PLACE ? 0 : weights[places[at]!]!;
}

/** Without a branch on what is zero: that can't be foreseen. What is written for a zero is written over. */
function takeTerms(
  { filters }: Conv2dLayer,
  { positions, corners, window }: Frame,
  { byFilter, byPosition, biases }: Desk,
  d: Slopes,
  row: number,
  { size, rows }: { readonly size: number; readonly rows: number },
): void {
  const [places, values] = d instanceof Float32Array ? [null, d] : [d.places, d.values];
  const [few, first, share] = [values.length / rows, row * size, 1 / filters];
  byFilter.counts.fill(0);
  byPosition.counts.fill(0);
  biases.fill(0);
  for (let at = row * few; at < (row + 1) * few; at += filters) {
    for (let filter = 0; filter < filters; filter++) {
      const slope = values[at + filter]!;
      const place = places === null ? at + filter : places[at + filter]!;
      const position = ((place - first - filter) * share + 0.5) | 0; // exact, and a division would take longer than the rest
      const isTerm = Number(slope !== 0);
      const own = filter * positions + byFilter.counts[filter]!;
      byFilter.windows[own] = 4 * corners[position]!;
      byFilter.values[own] = slope;
      byFilter.counts[filter]! += isTerm;
      const here = position * filters + byPosition.counts[position]!;
      byPosition.filters[here] = 4 * filter * window;
      byPosition.values[here] = slope;
      byPosition.counts[position]! += isTerm;
      biases[filter]! += slope;
    }
  }
}

function recordGradient(
  { layer: { filters, size }, input }: Call<Conv2dLayer>,
  { positions, line, run, window }: Frame,
  { image, gradient, byFilter, biases }: Desk,
  own: Float32Array,
): void {
  gradient.fill(0);
  for (let filter = 0; filter < filters; filter++)
    addCombination({
      count: byFilter.counts[filter]!,
      offsets: byFilter.windows.byteOffset + 4 * filter * positions,
      values: byFilter.values.byteOffset + 4 * filter * positions,
      from: image.byteOffset,
      fromStride: 4 * line,
      to: gradient.byteOffset + 4 * filter * window,
      toStride: 4 * run,
      runs: size,
      length: 4 * run,
    });
  const used = size * input[2]!;
  for (let end = run; used < run && end <= gradient.length; end += run)
    gradient.fill(0, end - run + used, end);
  own.set(gradient);
  own.set(biases, gradient.length);
}

function recordImage(
  { layer: { filters, size } }: Call<Conv2dLayer>,
  { positions, corners, line, run }: Frame,
  { imageSlopes, kernel, byPosition }: Desk,
): void {
  imageSlopes.fill(0);
  for (let position = 0; position < positions; position++)
    addCombination({
      count: byPosition.counts[position]!,
      offsets: byPosition.filters.byteOffset + 4 * filters * position,
      values: byPosition.values.byteOffset + 4 * filters * position,
      from: kernel.byteOffset,
      fromStride: 4 * run,
      to: imageSlopes.byteOffset + 4 * corners[position]!,
      toStride: 4 * line,
      runs: size,
      length: 4 * run,
    });
}

/** A record into its frame, or out of it. */
function copyFramed(
  { input }: Call<Conv2dLayer>,
  { edge, line }: Frame,
  framed: Float32Array,
  plain: Float32Array,
  isInward: boolean,
): void {
  const [height, channels, width] = [input[0]!, input[2]!, input[1]! * input[2]!];
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * width, (y + edge) * line + edge * channels];
    if (isInward) framed.set(plain.subarray(from, from + width), to);
    else plain.set(framed.subarray(to, to + width), from);
  }
}
