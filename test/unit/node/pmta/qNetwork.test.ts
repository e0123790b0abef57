import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { payloadId } from '../../../../chain/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { encodeSafetensors, encodeWeights, initialWeights, namedTensors } from '../../../../fl/index.js';
import { DataError } from '../../../../node/data/index.js';
import { parseQNetwork, Q_NETWORK_BYTES_MAX, qModel } from '../../../../node/pmta/index.js';
import { modelOf, shapeOf } from '../../../../pmta/index.js';
import { tensorFile } from '../../../support/qNetwork.js';

const weights = initialWeights(qModel, sha256(utf8ToBytes('a network')));
const tensors = namedTensors(qModel, weights);
const parse = (bytes: Uint8Array) => parseQNetwork('model.safetensors', bytes);

describe('the file of a Q-network', () => {
  it('gives the weights, the SHA-256 of the file and the chain’s name of the model', () => {
    const file = tensorFile(weights);
    expect(file.length).toBeLessThan(Q_NETWORK_BYTES_MAX / 8);
    expect(parse(file)).toEqual({
      hash: createHash('sha256').update(file).digest('hex'),
      model: bytesToHex(payloadId(encodeWeights(weights))),
      weights: Float64Array.from(weights),
    });
  });

  it('names the same model whoever wrote the file, and in whatever order', () => {
    const one = parse(tensorFile(weights));
    const other = parse(
      encodeSafetensors({ tensors: tensors.toReversed(), metadata: { software: 'other' } }),
    );
    expect(other).toMatchObject({ model: one.model, weights: one.weights });
    expect(other.hash).not.toBe(one.hash);
  });

  const narrow = modelOf(shapeOf([4]));
  const deep = modelOf(shapeOf([8, 8]));
  const encoded = (some: typeof tensors) => encodeSafetensors({ tensors: some, metadata: {} });
  it.each([
    ['bytes that are no such file', utf8ToBytes('{"format":"layers-model"}'), 'no safetensors file'],
    ['a file that is cut short', tensorFile(weights).subarray(0, -1), 'no safetensors file'],
    ['a narrower network', tensorFile(initialWeights(narrow, new Uint8Array(32)), {}, narrow), '[7, 4]'],
    ['a deeper network', tensorFile(initialWeights(deep, new Uint8Array(32)), {}, deep), 'dense2/'],
    ['a network without its bias', encoded(tensors.slice(0, -1)), 'no Q-network'],
    [
      'tensors of other names',
      encoded(tensors.map((one) => ({ ...one, name: `model/${one.name}` }))),
      'no Q-network',
    ],
    [
      'one tensor more',
      encoded([...tensors, { name: 'more', shape: [1], data: new Float32Array(1) }]),
      'no Q-network',
    ],
    ['no tensors', encoded([]), 'no tensors'],
    ['a weight that is not finite', tensorFile(weights.with(3, Number.NaN)), 'no finite number'],
  ])('refuses %s, and says what to do', (_, bytes, text) => {
    const refused = () => parse(bytes);
    expect(refused).toThrow(DataError);
    expect(refused).toThrow(text);
    expect(refused).toThrow('model.safetensors of "consilium model export TASK --format safetensors"');
  });
});
