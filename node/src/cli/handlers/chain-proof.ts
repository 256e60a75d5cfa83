import type { ChainStateAnswer } from '@blyan/api';
import { decodeHeader, headerHash, verifyStateProof } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { errorCode } from '@blyan/interface';
import { NodeError } from '../../errors.ts';
import { askChain } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printableText, printJson } from '../output.ts';

type Proof = NonNullable<ChainStateAnswer['proof']>;

/**
 * The value of a state key. That it belongs to the block is checked here; that the block is final, by its certificate, is for
 * whoever knows the validators: the JSON has all that takes.
 * @throws ERR_NODE_CHAIN_PROOF when the answer does not hold
 */
export const chainProof: CommandHandler = async (context, input) => {
  const { chain, signal } = await askChain(context, input);
  const key = input.args[0] as string;
  const answer = await chain.state(key, true, signal);
  const proof = check(key, answer);
  if (input.options.json === true) return printJson(context, answer);
  const lines = [
    `key    ${printable(key)}`,
    `value  ${answer.bytes === null ? 'none: the proof is of absence' : printableText(JSON.stringify(answer.value))}`,
    `block  ${proof.block.height} ${printable(proof.block.hash)}`,
    `proof  ${proof.siblings.length} siblings, leads to the state root of the block`,
  ];
  print(context, lines.join('\n'));
};

function check(key: string, { bytes, proof }: ChainStateAnswer): Proof {
  try {
    if (proof === undefined) throw new TypeError('The answer has no proof.');
    const header = decodeHeader(Buffer.from(proof.block.header, 'base64'));
    if (headerHash(header, nodeSuite) !== proof.block.hash) throw new TypeError('The header is not that of the block.');
    const value = bytes === null ? null : new Uint8Array(Buffer.from(bytes, 'base64'));
    verifyStateProof(header.stateRoot, { key, value, siblings: proof.siblings, other: proof.other }, nodeSuite);
    return proof;
  } catch (cause) {
    const message = `What the node says of "${printable(key)}" is not proven (${errorCode(cause)}): ask another one.`;
    throw new NodeError('ERR_NODE_CHAIN_PROOF', message, { kind: 'peer', cause });
  }
}
