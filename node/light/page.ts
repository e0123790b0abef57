/** The light client for a web page: all of it but the file for the head. Needs nothing of Node (package.json, "browser"). */
export { createLightClient, type LightClient } from './client.js';
export { LightError, type LightErrorCode } from './error.js';
export * from './find.js';
export * from './session.js';
