import { type CommandNode, nodesOf } from './tree.js';

/** Completion for fish 3 or later, with descriptions. Arguments are completed as file names. */
export function fishCompletion(program: CommandNode): string {
  const nodes = nodesOf(program);
  const commands = nodes
    .slice(1)
    .map(({ path }) => `            case ${quote(path)}\n                set at $step`);
  const lines = nodes.flatMap(({ path, commands: inner, options }) => {
    const when = `complete -c consilium -n ${quote(`test "$(__consilium_at)" = "${path}"`)}`;
    return [
      ...inner.map(({ name, description }) => `${when} -f -a ${name} -d ${quote(description)}`),
      ...options.map(({ long, description, takesValue, choices }) => {
        const value = !takesValue ? '' : choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : ' -r';
        return `${when} -l ${long.slice(2)}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion of consilium; consilium completion --help says where it goes
function __consilium_at
    set -l at ''
    for word in (commandline -opc)[2..]
        set -l step (string trim "$at $word")
        switch $step
${commands.join('\n')}
        end
    end
    echo $at
end
${lines.join('\n')}
`;
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
