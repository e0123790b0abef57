import { type CommandNode, nodesOf } from './tree.js';

/** Completion for bash 4 or later. Where nothing of ours fits, file names. */
export function bashCompletion(program: CommandNode): string {
  const nodes = nodesOf(program);
  const commands = nodes.slice(1).map(({ path }) => `      ${caseOf(path)}) at="$step" ;;`);
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ long, choices }) => `    ${caseOf(`${path} ${long}`)}) words=${quote(choices.join(' '))} ;;`),
  );
  const words = nodes.map(({ path, commands: inner, options }) => {
    const all = [...inner.map(({ name }) => name), ...options.map(({ long }) => long)];
    return `      ${caseOf(path)}) words=${quote(all.join(' '))} ;;`;
  });
  return `# bash completion of consilium; consilium completion --help says where it goes
_consilium() {
  local at="" step word words="" cur="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    step="\${at:+$at }$word"
    case "$step" in
${commands.join('\n')}
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join('\n')}
    *) case "$at" in
${words.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _consilium consilium
`;
}

const caseOf = (text: string): string => `"${text}"`;
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
