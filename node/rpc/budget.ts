/** A bounded amount that many share: bytes in memory, places at work. */
export interface Budget {
  /** False, and nothing taken, if less is left. */
  take(amount: number): boolean;
  give(amount: number): void;
}

export function createBudget(max: number): Budget {
  let left = max;
  return {
    take: (amount) => {
      if (amount > left) return false;
      left -= amount;
      return true;
    },
    give: (amount) => {
      left += amount;
    },
  };
}
