import type { DatasetName } from '../study/data.js';
import { centralAccuracies, runChosen, settingCells } from './accuracy.js';
import { readChosen } from './chosen.js';
import { accuracies, BACKEND, meanOf } from './figures.js';
import { type Cell, type Measured, percent, round, type Section } from './section.js';

/** Unit `device`: what the seed paper's equation 7 clips, and what that costs. */
export const device: Section = {
  name: 'device',
  title: 'A whole device as the unit, ε = 3',
  method: [
    'The seed paper’s equation 7 clips a device’s *whole update* and adds noise to that. What ε = 3 then protects is everything a device holds: nobody can tell whether the device took part with its data or with none. That is right for a wearable, where device and patient are one. For a ward with 27 records it protects the ward’s statistics as well, which nobody asked for, and pays for it: the noise is that of one record, 27 times as large beside the signal.',
    'Settings by `npm run bench -- choose`, δ = 1e-4, 20 devices. Majority: everybody is called healthy.',
  ],
  seeded: true,
  run: ({ seeds, say }): Measured => {
    const found = (['pima', 'wdbc'] as const satisfies readonly DatasetName[]).map((dataset) => {
      say(dataset);
      const chosen = readChosen(`${dataset}-device-3`);
      const runs = runChosen(dataset, seeds, chosen, 'device');
      const record = runChosen(dataset, seeds, readChosen(`${dataset}-3`));
      return { dataset, chosen, runs, record, central: centralAccuracies(dataset, seeds) };
    });
    return {
      backend: BACKEND,
      rows: found.map(({ dataset, runs, record }) => ({
        name: `${dataset}: accuracy, unit device, ε = 3`,
        value: round(meanOf(accuracies(runs)), 2),
        unit: '%',
        goal: null,
        met: null,
        reference: `unit record ${meanOf(accuracies(record)).toFixed(1)}${dataset === 'pima' ? '; paper 82.7' : ''}`,
      })),
      tables: [
        {
          title: '',
          columns: [
            'data',
            'unit device, ε = 3',
            'unit record, ε = 3',
            'central',
            'rounds',
            'σ',
            'C',
            'η',
            'β',
          ],
          rows: found.map(({ dataset, runs, record, central, chosen }): Cell[] => [
            dataset,
            percent(runs.map(({ accuracy }) => accuracy)),
            percent(record.map(({ accuracy }) => accuracy)),
            percent(central),
            ...settingCells(chosen),
          ]),
        },
      ],
      plots: [],
    };
  },
};
