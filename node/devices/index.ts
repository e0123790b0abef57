/** A hospital's devices: they train inside its node, each with its own key, data and ledger. */
export { runDevice } from './agent.js';
export { type Device, loadDevice } from './device.js';
export { DeviceError, type DeviceErrorCode } from './error.js';
export { startDevices } from './host.js';
