import type { Command } from 'commander';

/** A command as completion sees it. */
export interface CommandNode {
  /** Words from the program on, without its own name: "chain verify"; the program itself is "". */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

export interface OptionNode {
  /** With its dashes. */
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** The values that it takes, if they are few; else empty. */
  readonly choices: readonly string[];
}

/** What a shell can complete of a command line. Options of the program are those of each command, too. */
export function treeOf(program: Command): CommandNode {
  const shared = optionsOf(program);
  const nodeOf = (command: Command, path: string): CommandNode => ({
    path,
    name: command.name(),
    description: command.description(),
    options: [...(path === '' ? [] : optionsOf(command)), ...shared, HELP],
    commands: command.commands.map((inner) => nodeOf(inner, `${path} ${inner.name()}`.trimStart())),
  });
  return nodeOf(program, '');
}

/** A node and all below it. */
export function nodesOf(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(nodesOf)];
}

const HELP: OptionNode = { long: '--help', description: 'display help', takesValue: false, choices: [] };

function optionsOf(command: Command): OptionNode[] {
  return command.options.flatMap(({ long, description, required, optional, argChoices }) =>
    long === undefined || long === null
      ? []
      : [{ long, description, takesValue: required || optional, choices: argChoices ?? [] }],
  );
}
