import { aggregationRules, encodedWidth, verificationRules } from '../../../fl/index.js';
import type { PreparedData } from '../../provision/index.js';

/** What a study is made from. */
export interface StudyPlan {
  readonly name: string;
  readonly validators: number;
  readonly devices: number;
  readonly seed: string;
  readonly partition: string;
  /** Read by its schema; decides the model's inputs. */
  readonly data: PreparedData;
  /** 64 hex digits. */
  readonly weightsSeed: string;
  /** The file was made from a table whose owner gave no public knowledge of it. */
  readonly derived: boolean;
}

/** The text files of a new study, by their names; data and schema are copied beside them. Pure. */
export function studyFiles(plan: StudyPlan): Readonly<Record<string, string>> {
  return { 'study.json': studyText(plan), 'task.json': taskText(plan), 'README.md': readmeText(plan) };
}

function studyText({ validators, devices, partition, seed }: StudyPlan): string {
  return `{
  // The local network that "consilium run" starts. The data never leave this machine.
  "data": "data.csv",
  "schema": "schema.json",
  "validators": ${validators}, // hospitals; with four, one may fail
  "devices": ${devices}, // of each hospital
  "partition": "${partition}", // how the training rows are dealt: iid, site, dirichlet:0.5
  "seed": ${JSON.stringify(seed)} // decides the split: 70 % of the rows train, 30 % test
}
`;
}

function taskText({ data, derived, validators, devices, weightsSeed }: StudyPlan): string {
  const all = validators * devices;
  const { label } = data.schema;
  const rows = data.train.rows;
  return `{
  "title": ${JSON.stringify(`Predict ${label.name} = ${label.classes[1] ?? label.classes[0]}`)},
  "level": 1,

  // Layers: dense, conv2d, pool2d, reshape, flatten, dropout, groupNorm. One unit at the end tells two classes apart.
  "model": {
    "inputs": ${encodedWidth(data.schema)}, // columns of schema.json once encoded
    "layers": [{ "kind": "dense", "units": 1, "activation": "linear" }]
  },
  "weightsSeed": "${weightsSeed}", // initial weights follow from it
  "schema": "schema.json",

  "learningRate": 1,
  "rounds": 30,
  "clip": 1, // each record's gradient is cut to this length

  // The budget of each record over all rounds; the noise follows from it. delta must be below 1 / rows (${rows} train).
  // null trains without noise, for public data only: then "publicData" must be true.
  "privacy": ${derived ? 'null' : '{ "epsilon": 3, "delta": 1e-4 }'},
  "publicData": ${derived},

  // How poisoned updates are found (${Object.keys(verificationRules).join(', ')}) and what is left is put together
  // (${Object.keys(aggregationRules).join(', ')}). docs/robustness.md compares them.
  "verification": "alignment",
  "faulty": ${Math.round(0.3 * all)}, // poisoned devices that the rule shall withstand
  "aggregation": "mean",

  "devices": ${all},
  "quorum": ${Math.ceil((2 * all) / 3)}, // updates without which a round fails
  "deadlineMs": 10000 // how long a round waits for lost devices
}
`;
}

function readmeText({ name, derived }: StudyPlan): string {
  const warning = derived
    ? `
**schema.json was computed from the rows themselves.** Its centres, scales and bounds are published with the task, which
is right for public data only. For private data write down public knowledge of each column, then set "privacy" in
task.json.
`
    : '';
  return `# ${name}

A training study for Consilium.

    consilium data check data.csv --schema schema.json    does the table fit?
    consilium run .                                       train on a local network, audit it, write the model
    consilium run . --keep                                the same, and leave the network up

| file | |
| --- | --- |
| study.json | the local network: hospitals, devices, how rows are dealt to them |
| task.json | the task: model, rounds, privacy, rules. The same file publishes it on a real network: \`consilium task publish task.json\` |
| schema.json | public centre, scale and bounds of each column: published with the task |
| data.csv | the rows. Never published |
| runs/ | what each run leaves: the exported chain, its audit, the model with its card |
${warning}`;
}
