import type { ChainNetwork, ConsensusMessage, PeerKey, VoteSigner } from '@blyan/chain';
import { type BlockHeader, ballotMessage, headerHash } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';

type Proposal = Extract<ConsensusMessage, { type: 'proposal' }>;

/** What the liar does with the views that it leads, in turn. */
const DEEDS = ['equivocate', 'lie', 'withhold'] as const;

/** How often a liar did what. */
export interface Misdeeds {
  /** Views in which it proposed two blocks, both sound: one to the first half of the others, the other to the second half. */
  equivocate: number;
  /** Views in which it proposed a block whose state root is wrong. */
  lie: number;
  /** Views that it led and proposed nothing in, and votes that it kept to itself. */
  withhold: number;
}

/** A network that a liar speaks through, who also keeps back every other vote. */
export function misbehave(
  network: ChainNetwork,
  id: NetworkId,
  signer: VoteSigner,
): { readonly network: ChainNetwork; readonly deeds: Misdeeds } {
  const deeds: Misdeeds = { equivocate: 0, lie: 0, withhold: 0 };
  const led = new Map<number, (typeof DEEDS)[number]>();
  let votes = 0;
  const deedOf = (view: number): (typeof DEEDS)[number] => {
    const known = led.get(view);
    if (known !== undefined) return known;
    const deed = DEEDS[led.size % DEEDS.length] as (typeof DEEDS)[number];
    led.set(view, deed);
    deeds[deed]++;
    return deed;
  };
  const forged = (message: Proposal, changes: Partial<BlockHeader>): Proposal => {
    const header = { ...message.block.header, ...changes };
    const hash = headerHash(header, nodeSuite);
    const ballot = { ...message.vote, block: hash };
    const vote = { ...ballot, signature: signer.sign(ballotMessage(id, ballot)) };
    return { ...message, block: { ...message.block, header, hash }, vote };
  };
  const send = (to: readonly PeerKey[], message: ConsensusMessage): void => {
    if (message.type === 'vote' && ++votes % 2 === 0) {
      deeds.withhold++;
      return;
    }
    if (message.type !== 'proposal') {
      network.send(to, message);
      return;
    }
    const deed = deedOf(message.vote.view);
    if (deed === 'withhold') return;
    if (deed === 'lie') {
      network.send(to, forged(message, { stateRoot: 'ee'.repeat(32) }));
      return;
    }
    const half = to.length >> 1;
    network.send(to.slice(0, half), message);
    network.send(to.slice(half), forged(message, { timeMs: message.block.header.timeMs + 1 }));
    network.send(to.slice(half), message);
  };
  const speaking = new Proxy(network, {
    get: (target, name) => {
      if (name === 'send') return send;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { network: speaking, deeds };
}
