/** What clinicians ask of a model: ranking, calibration, intervals, groups; and a site's own head. Pure. */
export * from './auroc.js';
export * from './averagePrecision.js';
export * from './bootstrap.js';
export * from './calibration.js';
export * from './groups.js';
export * from './histogramReport.js';
export * from './leaveOneSiteOut.js';
export * from './measure.js';
export * from './noisedHistogram.js';
export * from './personalise.js';
export * from './report.js';
export * from './scored.js';
export * from './sensitivity.js';
