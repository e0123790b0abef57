import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { partitionRule } from '../../../fl/index.js';
import { DEVICES_MAX, VALIDATORS_MAX } from '../../provision/index.js';
import { readCommentedJson } from '../commentedJson.js';
import type { DemoOptions } from '../demo/options.js';
import { CliError } from '../failure.js';
import { parseTaskFile } from '../taskFile.js';

const studySchema = z.strictObject({
  data: z.string().min(1),
  schema: z.string().min(1),
  validators: z.number().int().min(1).max(VALIDATORS_MAX),
  devices: z.number().int().min(1).max(DEVICES_MAX),
  partition: z
    .string()
    .refine((name) => partitionRule(name) !== null, 'is no partition: iid, site, dirichlet:0.5'),
  seed: z.string().max(100),
});

const RUNS_MAX = 9_999;

/** What a study asks for, as a run of it. Throws CliError "bad-config", ConfigError. */
export function readStudy(
  folder: string,
  { keep, json }: { readonly keep: boolean; readonly json: boolean },
): DemoOptions {
  const studyFile = join(folder, 'study.json');
  if (!existsSync(studyFile)) {
    throw new CliError(
      'bad-folder',
      `${folder} holds no study: there is no study.json`,
      'consilium new FOLDER makes one',
    );
  }
  const parsed = studySchema.safeParse(readCommentedJson(studyFile));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new CliError('bad-config', `${studyFile}: ${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const { data, schema, ...network } = parsed.data;
  const taskFile = join(folder, 'task.json');
  const task = parseTaskFile(readCommentedJson(taskFile));
  const all = network.validators * network.devices;
  if (task.devices !== all) {
    const said = `${network.validators} hospitals with ${network.devices} devices each`;
    throw new CliError(
      'bad-config',
      `${taskFile}: devices: the task is for ${task.devices}, study.json has ${said}`,
    );
  }
  return {
    ...network,
    rounds: task.rounds,
    epsilon: task.privacy?.epsilon ?? null,
    delta: task.privacy?.delta ?? 0,
    task,
    attack: null,
    data: resolve(folder, data),
    schema: resolve(folder, schema),
    label: null,
    keep,
    json,
    dir: nextRun(folder),
  };
}

/** runs/1, runs/2, ...: nothing of an earlier run is written over. */
function nextRun(folder: string): string {
  const runs = join(folder, 'runs');
  const used = existsSync(runs) ? readdirSync(runs).map(Number).filter(Number.isInteger) : [];
  const next = Math.max(0, ...used) + 1;
  if (next > RUNS_MAX) throw new CliError('bad-folder', `${runs} holds ${RUNS_MAX} runs: move some away`);
  return join(runs, String(next));
}
