import { type BuiltGenesis, genesisBlock } from '@blyan/chain';
import { type BlockHeader, decodeCertificate } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { decodeEpochEnd, type FinalHeader, LightClient } from '@blyan/light-client';

/**
 * That a block is final, whoever says so: follows the ends of epochs from the genesis block to the block's epoch.
 *
 * @param certificate of this very block; null for the genesis block
 * @param endsFrom ends of epochs from one on, canonical bytes, as somebody gives them
 * @throws TypeError when there is nothing to follow, ERR_LIGHT_… and ERR_CERTIFICATE_… when it does not hold
 */
export async function finalFromGenesis(
  genesis: BuiltGenesis,
  header: BlockHeader,
  certificate: Uint8Array | null,
  endsFrom: (epoch: number) => Promise<readonly Uint8Array[]>,
): Promise<FinalHeader> {
  const { block, validators } = genesisBlock(genesis, nodeSuite);
  const { epochBlocks } = genesis.genesis.protocol.chain;
  const checkpoint = { network: genesis.hash, epochBlocks, hash: block.hash };
  if (header.height === 0) {
    // Its light client is of no use: a genesis block is compared.
    return new LightClient(checkpoint, header, validators, nodeSuite).start;
  }
  if (certificate === null) throw new TypeError('The block has no certificate.');
  const client = new LightClient(checkpoint, block.header, validators, nodeSuite);
  while (client.epoch < header.epoch) {
    const ends = await endsFrom(client.epoch);
    if (ends.length === 0) throw new TypeError(`The end of epoch ${client.epoch} is missing.`);
    for (const end of ends) if (client.epoch < header.epoch) client.advance(decodeEpochEnd(end));
  }
  return client.verifyBlock({ headers: [header], certificate: decodeCertificate(certificate) });
}
