/** The number that a flag gives. Throws RangeError with a text for the user. */
export function whole(flag: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`--${flag}: a whole number from ${low} to ${high}`);
  }
  return value;
}

/**
 * Runs a program of the tests: its exit code is what `main` gives; 2, with the text alone, for a RangeError, which is a
 * wrong flag; `exitOf` may know more.
 */
export async function runProgram(
  main: () => Promise<number>,
  exitOf: (error: unknown) => number | null = () => null,
): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    const exit = error instanceof RangeError ? 2 : exitOf(error);
    if (exit === null) throw error;
    process.exitCode = exit;
    console.error((error as Error).message);
  }
}
