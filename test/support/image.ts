import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { instructionsOf } from './dockerfile.js';

/** What a Dockerfile makes, in a folder that stands for the root of its file system. */
export interface Image {
  readonly folder: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
  readonly stopSignal: NodeJS.Signals;
}

/**
 * Carries out a Dockerfile without Docker: each stage in a folder of its own below `into`, its steps in their order,
 * with this machine's Node in place of the base image. What is copied has to be there, as it has for Docker; absolute
 * paths in RUN are not mapped. Not looked at: users, ports, volumes. Throws what a step throws.
 */
export function buildImage(text: string, context: string, into: string): Image {
  const stages = new Map<string, string>();
  const image = {
    folder: '',
    workdir: '/',
    env: {} as Record<string, string>,
    entrypoint: [] as string[],
    cmd: [] as string[],
    healthcheck: [] as string[],
    stopSignal: 'SIGTERM' as NodeJS.Signals,
  };
  const words = (rest: string) => JSON.parse(rest) as string[];
  for (const { name, rest } of instructionsOf(text)) {
    const at = join(image.folder, image.workdir);
    if (name === 'FROM') {
      const [, stage = 'last'] = rest.split(' AS ');
      image.folder = join(into, stage);
      image.workdir = '/';
      mkdirSync(image.folder, { recursive: true });
      stages.set(stage, image.folder);
    } else if (name === 'WORKDIR') {
      image.workdir = rest;
      mkdirSync(join(image.folder, rest), { recursive: true });
    } else if (name === 'COPY') copy(rest, context, stages, image.folder, at);
    else if (name === 'RUN') {
      execFileSync('bash', ['-c', rest], {
        cwd: at,
        env: { ...process.env, npm_config_prefer_offline: 'true', ...image.env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } else if (name === 'ENV') {
      const [key, ...value] = rest.split('=');
      image.env[key!] = value.join('=');
    } else if (name === 'ENTRYPOINT') image.entrypoint = words(rest);
    else if (name === 'CMD') image.cmd = words(rest);
    else if (name === 'HEALTHCHECK') image.healthcheck = words(rest.split('CMD ')[1]!);
    else if (name === 'STOPSIGNAL') image.stopSignal = rest as NodeJS.Signals;
  }
  return image;
}

function copy(
  rest: string,
  context: string,
  stages: ReadonlyMap<string, string>,
  root: string,
  workdir: string,
): void {
  const parts = rest.split(' ');
  const from = parts[0]!.startsWith('--from=') ? stages.get(parts.shift()!.slice('--from='.length)) : context;
  if (from === undefined) throw new Error(`COPY ${rest}: there is no such stage`);
  const to = parts.pop()!;
  if (parts.length > 1 && !to.endsWith('/')) throw new Error(`COPY ${rest}: several files go into a folder/`);
  const target = to.startsWith('/') ? join(root, to) : join(workdir, to);
  for (const part of parts) {
    const source = join(from, part);
    if (!existsSync(source)) throw new Error(`COPY ${rest}: there is no ${part}`);
    // As Docker does it: of a folder what is in it, of a file the file, into a target that ends with a slash.
    const isFile = statSync(source).isFile();
    cpSync(source, isFile && to.endsWith('/') ? join(target, basename(part)) : target, {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
}
