import { type CommandNode, nodesOf } from './tree.js';

/** Completion for zsh, with descriptions. Where nothing of ours fits, file names. */
export function zshCompletion(program: CommandNode): string {
  const nodes = nodesOf(program);
  const commands = nodes.slice(1).map(({ path }) => `      ${quote(path)}) at="$step" ;;`);
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ long, choices }) => {
        const act = choices.length > 0 ? `compadd -- ${choices.map(quote).join(' ')}` : '_files';
        return `    ${quote(`${path} ${long}`)}) ${act}; return ;;`;
      }),
  );
  const found = nodes.map(({ path, commands: inner, options }) => {
    const all = [
      ...inner.map(({ name, description }) => describe(name, description)),
      ...options.map(({ long, description }) => describe(long, description)),
    ];
    return `    ${quote(path)}) found=(${all.join(' ')}) ;;`;
  });
  return `#compdef consilium
# zsh completion of consilium; consilium completion --help says where it goes
_consilium() {
  local at="" step word
  local -a found
  for word in \${words[2,CURRENT-1]}; do
    step="\${at:+$at }$word"
    case "$step" in
${commands.join('\n')}
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  case "$at" in
${found.join('\n')}
  esac
  _describe consilium found || _files
}
if [ "$funcstack[1]" = _consilium ]; then _consilium "$@"; else compdef _consilium consilium; fi
`;
}

const describe = (word: string, description: string): string =>
  quote(`${word.replaceAll(':', '\\:')}:${description}`);
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
