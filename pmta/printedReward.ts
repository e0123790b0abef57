import { countsOf } from './collusion.js';

/**
 * Equation 8 of PMTA (Wang et al. 2023) as it is printed, in the form that we could reconstruct:
 *
 *   R = λ · Π_k (1 − m_k / n_k) + (1 − λ) · Σ_k (n_k / N) (1 − m_k / n_k),   λ = 1/2,
 *
 * with n_k providers in class k, m_k of them malicious, N in all. The first term is the chance that one provider drawn
 * from each class is honest in all classes; the second is the honest share, 1 − M / N, whatever the classes are.
 *
 * The paper's text was not at hand. This form has what is known of the equation: its second term is constant; the
 * product of numbers with a given sum is largest where they are equal, so even spreading is the optimum for equal
 * classes; with 3 classes and 30 % malicious that optimum is (0.7³ + 0.7) / 2 = 0.5215 (0.521 for 100 providers, as
 * for a random split), and one giant class with two classes of one honest provider beside it gives (0.7 + 0.7) / 2,
 * less what the two take away: 0.699 for 300 providers. So it rewards collapse, and it wants to know who is malicious.
 *
 * An empty class counts as honest: nobody in it colludes.
 */
export function printedReward(
  classes: ArrayLike<number>,
  classCount: number,
  coalition: ReadonlySet<number>,
  balance = 0.5,
): number {
  const { sizes, malicious } = countsOf(classes, classCount, coalition);
  const product = sizes.reduce((all, size, at) => all * (size === 0 ? 1 : 1 - malicious[at]! / size), 1);
  return balance * product + (1 - balance) * (1 - coalition.size / classes.length);
}
