import { z } from 'zod';
import { accountOf, UNITS_MAX } from '../../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../../crypto/index.js';
import { schemaHash } from '../../../fl/index.js';
import { RpcError } from '../errors.js';
import { bytes32, hexText, ordinal } from '../schemas.js';
import { stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';

export const enrolmentApprove = defineMethod({
  summary:
    'This hospital’s signature under the terms on which one of its devices enrols. From this machine only.',
  params: z.strictObject({
    task: ordinal,
    device: bytes32,
    units: ordinal.max(UNITS_MAX),
    dataset: bytes32,
    schemaHash: bytes32,
  }),
  result: z.object({ approval: hexText }),
  run: ({ context, fromLoopback }, terms) => {
    if (!fromLoopback)
      throw new RpcError('not-allowed', 'enrolments are approved from the node’s own machine');
    const state = stateOf(context);
    const device = accountOf(state, terms.device);
    const own = accountOf(state, context.publicKey);
    if (device?.role !== 'device' || own === null || device.hospital !== own.hospital) {
      throw new RpcError('not-allowed', `this is no device of ${own?.hospital ?? 'this node’s hospital'}`);
    }
    if (device.status !== 'active') throw new RpcError('suspended', `${device.name} is suspended`);
    if (!equalBytes(terms.schemaHash, schemaHash(taskOf(state, terms.task).spec.schema))) {
      throw new RpcError('refused', `this is not the schema of task ${terms.task}`);
    }
    return { approval: bytesToHex(context.approve(terms)) };
  },
});
