/**
 * What each field of a task file means, by its place in `taskFileSchema`: the one owner of these words, from which
 * docs/reference/task-file.md is made. A field without an entry fails a test. Links are as seen from docs/reference/.
 */
export const taskFields: Readonly<Record<string, string>> = {
  title: 'for people; everybody can read it, unless `task publish --sealed` drops it',
  level: 'devices of exactly this [level](../levels.md) may enrol',
  'model.inputs':
    'columns that a row becomes by the schema: categories and indicators count one each for every column that they make',
  'model.layers': 'the layers, in order; the last one has one unit for two classes, else one a class',
  'model.layers[dense].kind': 'every input with every unit',
  'model.layers[dense].units': 'outputs',
  'model.layers[dense].activation': 'what is done to each output',
  'model.layers[conv2d].kind': 'a convolution of an image, stride 1',
  'model.layers[conv2d].filters': 'kernels, each with a bias; as many channels come out',
  'model.layers[conv2d].size': 'side of a kernel; odd',
  'model.layers[conv2d].padding':
    '`same` frames the image with zeros and keeps its sides; `valid` takes whole windows only',
  'model.layers[conv2d].activation': 'what is done to each output',
  'model.layers[pool2d].kind': 'one number for each window of an image',
  'model.layers[pool2d].pool': 'the largest of the window, or the mean',
  'model.layers[pool2d].size':
    'side of a window; windows lie side by side, and it divides both sides of the image',
  'model.layers[reshape].kind': 'the inputs as an image',
  'model.layers[reshape].height': 'rows of the image',
  'model.layers[reshape].width': 'columns of the image',
  'model.layers[reshape].channels': 'numbers in each point',
  'model.layers[flatten].kind': 'an image as one row of numbers',
  'model.layers[dropout].kind': 'leaves values out in training, and none afterwards',
  'model.layers[dropout].rate16': 'the chance of being left out, in 2^-16',
  'model.layers[groupNorm].kind': 'makes groups of channels alike in mean and spread, each row for itself',
  'model.layers[groupNorm].groups': 'how many groups; divides the channels',
  weightsSeed: 'the initial weights follow from it',
  schema: 'what the data look like: a [schema](../data.md#the-schema-file), or the path of a file with one',
  publicData: 'true: the rows are no secret; needed for `privacy: null`',
  learningRate: 'of the server’s step',
  rounds: 'of training; a failed one counts',
  clip: 'C: a unit’s gradient is cut to this length. With a rule that moves it, the first and largest',
  unit: 'what is protected: each row, each person’s rows (the schema’s `subject` column), or all that a device holds ([privacy](../privacy.md#the-unit))',
  'clipping.rule': 'how C moves from round to round ([privacy](../privacy.md#clipping-thresholds))',
  'clipping.min': 'the least C. Left out: a thousandth of `clip`, for `search` a hundredth',
  'clipping.rate':
    'adaptive: how much of the newest round counts; quantile: the exponent’s rate; search: what C is multiplied by. Left out: 0.1, for `search` 0.5',
  'clipping.aim':
    'adaptive: C over the length of the mean; quantile, search: the share of units to leave whole. Left out: 1 for `adaptive`, 0.5 for `quantile`, 0.2 for `search`',
  'clipping.countSigma':
    'quantile, search: noise of each device’s count. Left out: so much that it costs a twentieth of the budget',
  privacy: 'the budget of each unit over all rounds; null: training without noise, for public data only',
  'privacy.epsilon': 'ε ([privacy](../privacy.md#ε-and-δ))',
  'privacy.delta': 'δ; below one over the number of units',
  'privacy.sigma': 'noise multiplier. Left out: the least that keeps ε and δ over all rounds',
  verification: 'how poisoned updates are found ([robustness](../robustness.md))',
  front: 'what averages updates before the rule sees them ([robustness](../robustness.md))',
  faulty: 'poisoned devices that the rule shall withstand',
  reputation:
    'what a refused update costs: a point if the rule’s tests are absolute ones, always (the seed paper’s ±1), or nothing',
  aggregation: 'how what is left becomes one update ([robustness](../robustness.md))',
  'server.step': 'how the model takes the update',
  'server.momentum': 'fedavgm, fedadam: how much of the last rounds’ direction stays',
  'server.secondMoment': 'fedadam: how much of the last rounds’ squares stays',
  'server.adaptivity': 'fedadam: what is added below the fraction; the smaller, the more it adapts',
  'local.step':
    'what a device does in a round ([several steps](../privacy.md#several-steps-a-round)): each step is noised and charged',
  'local.steps': 'steps in a round; 1 for `fedsgd`',
  'local.learningRate': 'of a device’s own steps, if it does several',
  'local.proximal': 'fedprox: how strongly a device is held to the model that it got',
  'local.noise': 'when noise is added. Left out: every step, and once for the unit `device`',
  'local.rate':
    'share of the units that a device [draws in secret](../privacy.md#drawing-records-in-secret) for each step; nobody can check it',
  devices: 'the most that may enrol',
  quorum: 'updates without which a round fails; at most `devices`',
  enrolMs:
    'for how long devices may enrol, in ms of the chain’s time; training begins earlier with `devices` of them',
  deadlineMs: 'how long a round waits for devices that do not send, in ms of the chain’s time',
  deadlineBlocks: 'and at least for so many blocks',
  auditHeights: 'heights for which the payloads of a closed round are held ([erasure](../erasure.md))',
  reward: 'tokens that the publisher puts down for the devices ([rewards](../tasks.md#rewards))',
};
