import type { ChainNetwork, ConsensusMessage, PeerKey, VoteSigner } from '@blyan/chain';
import { ballotMessage, headerHash } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';

/**
 * A network that a liar speaks through: the second half of the validators gets another proposal before the one that the first
 * half gets, of the same view and with a wrong state root; every other vote is withheld.
 */
export function misbehave(network: ChainNetwork, id: NetworkId, signer: VoteSigner): ChainNetwork {
  let votes = 0;
  const send = (to: readonly PeerKey[], message: ConsensusMessage): void => {
    if (message.type === 'vote' && ++votes % 2 === 0) return;
    if (message.type !== 'proposal') {
      network.send(to, message);
      return;
    }
    const half = to.length >> 1;
    network.send(to.slice(0, half), message);
    network.send(to.slice(half), lie(message, id, signer));
    network.send(to.slice(half), message);
  };
  return new Proxy(network, {
    get: (target, name) => {
      if (name === 'send') return send;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function lie(message: Extract<ConsensusMessage, { type: 'proposal' }>, id: NetworkId, signer: VoteSigner) {
  const header = { ...message.block.header, stateRoot: 'ee'.repeat(32) };
  const hash = headerHash(header, nodeSuite);
  const ballot = { ...message.vote, block: hash };
  const vote = { ...ballot, signature: signer.sign(ballotMessage(id, ballot)) };
  return { ...message, block: { ...message.block, header, hash }, vote };
}
