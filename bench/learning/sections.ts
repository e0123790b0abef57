import { pima, wdbc } from './accuracy.js';
import { allocation } from './allocation.js';
import { attacksSection } from './attacks.js';
import { calibration } from './calibration.js';
import { clipping } from './clipping.js';
import { cnn } from './cnn.js';
import { device } from './device.js';
import { flip, flipNoised } from './flip.js';
import { flower } from './flower.js';
import { heartSection } from './heart.js';
import type { Section } from './section.js';
import { step } from './step.js';
import { synthetic } from './synthetic.js';

/** All sections, in the order of the document. */
export const sections: readonly Section[] = [
  pima,
  wdbc,
  device,
  clipping,
  flip,
  flipNoised,
  calibration,
  attacksSection,
  heartSection,
  synthetic,
  step,
  cnn,
  flower,
  allocation,
];
