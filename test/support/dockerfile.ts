export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of a Dockerfile: comments left out, continued lines joined. Pure. */
export function instructionsOf(text: string): readonly Instruction[] {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name, ...rest] = line.split(/\s+/);
      return { name: name!, rest: rest.join(' ') };
    });
}
