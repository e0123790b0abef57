import { ONE16, type ServerStep } from './serverStep.js';

/**
 * m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², w ← w - η m / (√v + τ); m starts at zero, v at τ². No correction
 * of the first rounds' bias, as in the paper.
 *
 * Source: Reddi et al. 2021, arXiv:2003.00295, algorithm 2.
 */
export const fedAdam: ServerStep = {
  name: 'fedadam',
  initial: ({ adaptivity16 }) => {
    const adaptivity = adaptivity16 / ONE16;
    return [0, Math.fround(adaptivity * adaptivity)];
  },
  step: (direction, [first, second], { learningRate16, momentum16, secondMoment16, adaptivity16 }) => {
    const [beta1, beta2] = [momentum16 / ONE16, secondMoment16 / ONE16];
    const m = Math.fround(beta1 * first! + (1 - beta1) * direction);
    const v = Math.fround(beta2 * second! + (1 - beta2) * (direction * direction));
    const delta = ((learningRate16 / ONE16) * m) / (Math.sqrt(v) + adaptivity16 / ONE16);
    return { delta, moments: [m, v] };
  },
};
