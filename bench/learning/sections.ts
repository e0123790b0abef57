import { pima, wdbc } from './accuracy.js';
import { attacksSection } from './attacks.js';
import { clipping } from './clipping.js';
import { device } from './device.js';
import { flip, flipNoised } from './flip.js';
import { heartSection } from './heart.js';
import type { Section } from './section.js';

/** All sections, in the order of the document. */
export const sections: readonly Section[] = [
  pima,
  wdbc,
  device,
  clipping,
  flip,
  flipNoised,
  attacksSection,
  heartSection,
];
