import { settings } from '../../node/settings/index.js';

/** docs/reference/configuration.md. Pure. */
export function configurationReference(): string {
  const rows = settings.map(({ path, env, flag, meaning, unit, bounds, fallback, isRequired }) => {
    const standing = isRequired
      ? 'has to be given'
      : fallback === undefined
        ? 'none'
        : `\`${JSON.stringify(fallback)}\``;
    const ways = env === null ? 'by file only' : `\`${env}\`, \`--${flag}\``;
    const allowed = (unit === null ? bounds : `${bounds} ${unit}`)
      .replaceAll('|', '\\|')
      .replaceAll(/\^\S+\$/g, '`$&`'); // a pattern, which would else read as marks and links
    return `| \`${path}\` | ${meaning} | ${allowed} | ${standing} | ${ways} |`;
  });
  return `# A node's configuration

Made by \`npm run docs\` from the one schema of it (\`node/settings/schema.ts\`; a new setting is a line there).

A setting comes from its flag at \`consilium node start\`, else from the environment, else from the file (\`--config\`, or \`CONSILIUM_CONFIG\`), else it has its default. \`consilium config explain\` shows which one counts, and why. In the environment and in flags lists are separated by commas, peers are JSON, and \`none\` stands for null. Relative paths start at the file's folder, or at the working directory. A setting that there is not, in the file or under a name in the environment that begins with \`CONSILIUM_\`, is refused.

| setting | means | bounds | default | otherwise |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
