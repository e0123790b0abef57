/** The number that a flag gives. Throws RangeError with a text for the user. */
export function whole(flag: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`--${flag}: a whole number from ${low} to ${high}`);
  }
  return value;
}
