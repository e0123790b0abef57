import { describe, expect, it } from 'vitest';
import { applyChanges, createDraft, emptyTree, readState } from '../../../chain/index.js';
import { setSeat, validatorsCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { defaultNetLimits, type PeerAddress } from '../../../net/index.js';
import { followPeers, peersIn } from '../../../node/peers.js';
import { createTestChain } from '../../support/chain.js';
import { person } from '../../support/genesis.js';

const hex = (name: string) => bytesToHex(person(name).publicKey);
const addresses = ['/ip4/127.0.0.1/tcp/4001'];

describe('who may connect', () => {
  it('is every validator of the state and every configured peer, at its configured address', () => {
    const test = createTestChain({
      write: (state, { validators }) => setSeat(state, validators[3]!.publicKey, 'lost'),
    });
    const configured = [
      { publicKey: hex('hospital-1'), addresses },
      { publicKey: hex('stranger'), addresses },
    ];
    const peers = peersIn(test.state, configured);
    const of = (name: string) => peers.find(({ key }) => key === hex(name))?.addresses;
    expect(peers).toHaveLength(5);
    expect(of('hospital-1')).toEqual(addresses);
    // It dials: it was voted in, and nobody was told its address.
    expect(of('hospital-2')).toEqual([]);
    expect(of('stranger')).toEqual(addresses);
    // Its seat is gone, and it may still follow the chain.
    expect(of('hospital-4')).toEqual([]);
    expect(of('hospital-1-device-1')).toBeUndefined();
  });

  it('fits the transport’s bound, validators with a seat first', () => {
    const { peersMax } = defaultNetLimits;
    const key = (i: number) =>
      Uint8Array.from({ length: 32 }, (_, at) => (at < 2 ? (i >> (8 * (1 - at))) & 255 : 0));
    const draft = createDraft(readState(emptyTree));
    const all = Array.from({ length: peersMax + 50 }, (_, i) => key(i));
    const seat = (i: number) => (i < 100 ? 'lost' : 'held') as 'lost' | 'held';
    validatorsCell.set(
      draft,
      all.map((publicKey, i) => ({ publicKey, seat: seat(i) })),
    );
    const peers = peersIn(readState(applyChanges(emptyTree, draft.changes)), []);
    expect(peers).toHaveLength(peersMax);
    for (let i = 100; i < all.length; i += 1)
      expect(peers).toContainEqual({ key: bytesToHex(all[i]!), addresses: [] });
  });

  it('is told at once, and again when the validators change, and not otherwise', () => {
    const test = createTestChain({ hospitals: 5 });
    const told: (readonly PeerAddress[])[] = [];
    const { follow, cut } = followPeers([], (peers) => told.push(peers));
    follow(test.tip);
    expect(told).toHaveLength(1);
    test.block([]);
    follow(test.tip);
    expect(told).toHaveLength(1);
    const newcomer = person('newcomer');
    const change = {
      publicKey: newcomer.publicKey,
      vrfPublicKey: person('vrf').publicKey,
      name: 'n',
      hospital: 'n',
    };
    const calls = test.validators.map((from) => ({
      from,
      contract: 'identity',
      method: 'add',
      args: change,
    }));
    test.block(calls);
    follow(test.tip);
    expect(told).toHaveLength(2);
    expect(told[1]!.map(({ key }) => key)).toContain(bytesToHex(newcomer.publicKey));

    const gone = bytesToHex(newcomer.publicKey);
    cut([gone]);
    expect(told[2]).toEqual(told[1]!.filter(({ key }) => key !== gone));
    test.block([]);
    follow(test.tip);
    cut([]);
    expect(told.slice(3)).toEqual([told[1]]);
  });
});
