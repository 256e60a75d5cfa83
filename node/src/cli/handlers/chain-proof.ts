import type { ChainClient, ChainStateAnswer } from '@blyan/api';
import { type BlockHeader, decodeHeader, headerHash, verifyStateProof } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { errorCode } from '@blyan/interface';
import { finalFromGenesis } from '../../chain/final-from-genesis.ts';
import { NodeError } from '../../errors.ts';
import { askChain } from '../ask-chain.ts';
import type { CommandHandler } from '../command.ts';
import { findGenesis } from '../find-gateway.ts';
import { print, printable, printableText, printJson } from '../output.ts';

/**
 * The value of a state key, checked here: that it belongs to the block, and, where a folder with the network's genesis is at
 * hand, that its validators made the block final, by following the ends of epochs from the genesis.
 * @throws ERR_NODE_CHAIN_PROOF when the answer does not hold
 */
export const chainProof: CommandHandler = async (context, input) => {
  const { chain, signal } = await askChain(context, input);
  const key = input.args[0] as string;
  const answer = await chain.state(key, true, signal);
  const header = proven(key, () => stateHeader(key, answer));
  const genesis = await findGenesis(context, input, header.network);
  if (genesis !== null) {
    const { certificate } = (answer.proof as Proof).block;
    await finalFromGenesis(genesis, header, certificate === null ? null : bytesOf(certificate), (from) =>
      endsFrom(chain, from, context.signal),
    ).catch((cause) => unproven(key, cause));
  }
  const provenFinal = genesis !== null;
  if (input.options.json === true) return printJson(context, { ...answer, provenFinal });
  const { siblings, block } = answer.proof as Proof;
  const lines = [
    `key    ${printable(key)}`,
    `value  ${answer.bytes === null ? 'none: the proof is of absence' : printableText(JSON.stringify(answer.value))}`,
    `block  ${block.height} ${printable(block.hash)}`,
    `proof  ${siblings.length} siblings, leads to the state root of the block`,
    provenFinal
      ? 'final  signed by the validators, whom the ends of epochs name from the genesis on'
      : `final  NOT checked: no genesis of network ${header.network} is here; name a folder of one of its nodes with --data-dir`,
  ];
  print(context, lines.join('\n'));
};

type Proof = NonNullable<ChainStateAnswer['proof']>;

function stateHeader(key: string, { bytes, proof }: ChainStateAnswer): BlockHeader {
  if (proof === undefined) throw new TypeError('The answer has no proof.');
  const header = decodeHeader(bytesOf(proof.block.header));
  if (headerHash(header, nodeSuite) !== proof.block.hash) throw new TypeError('The header is not that of the block.');
  const value = bytes === null ? null : bytesOf(bytes);
  verifyStateProof(header.stateRoot, { key, value, siblings: proof.siblings, other: proof.other }, nodeSuite);
  return header;
}

async function endsFrom(chain: ChainClient, from: number, signal: AbortSignal): Promise<Uint8Array[]> {
  const { data } = await chain.epochs(from, signal);
  return data.map(bytesOf);
}

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

function proven<T>(key: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    return unproven(key, cause);
  }
}

function unproven(key: string, cause: unknown): never {
  const code = errorCode(cause);
  const reason = code === 'ERR_UNKNOWN' ? (cause as Error).message : code;
  const message = `What the node says of "${printable(key)}" is not proven (${printable(reason)}): ask another one.`;
  throw new NodeError('ERR_NODE_CHAIN_PROOF', message, { kind: 'peer', cause });
}
