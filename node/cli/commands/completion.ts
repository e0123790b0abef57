import { Argument, type Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { type CommandNode, treeOf } from '../completion/tree.js';
import { zshCompletion } from '../completion/zsh.js';
import type { Io } from '../io.js';
import { buildWholeProgram } from '../program.js';

const EXAMPLES = `
Examples:
  consilium completion bash > ~/.local/share/bash-completion/completions/consilium
  consilium completion zsh > ~/.zfunc/_consilium          with ~/.zfunc in fpath before compinit
  consilium completion fish > ~/.config/fish/completions/consilium.fish
  source <(consilium completion bash)                     for this shell only`;

/** A shell is one file and one line here. */
const shells: Readonly<Record<string, (program: CommandNode) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `consilium completion bash|zsh|fish`. */
export function addCompletion(completion: Command, io: Io): void {
  completion
    .addArgument(new Argument('<shell>', 'whose').choices(Object.keys(shells)))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: string) => {
      io.out(shells[shell]!(treeOf(await buildWholeProgram(io))).trimEnd());
    });
}
