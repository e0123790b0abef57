/** Chain exports: a chain as a CAR file, and its audit. */
export { readCar } from './car.js';
export * from './error.js';
export * from './exportChain.js';
export * from './verifyExport.js';
