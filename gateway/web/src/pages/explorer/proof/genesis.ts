import type { ChainGenesisAnswer } from '@blyan/api';
import { nobleSuite, type ValidatorSet } from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec/canonical';
import { toHex } from '@blyan/crypto/noble';
import { bytesOf } from './bytes.ts';
import { Unproven } from './unproven.ts';

/** Most bytes of a genesis, as `@blyan/chain` has it. */
const MAX_GENESIS_BYTES = 4 * 1024 * 1024;

/** What a light client has to know of a network. */
export interface GenesisFacts {
  /** SHA-256 of the genesis. */
  readonly network: string;
  readonly epochBlocks: number;
  /** Those of the first epochs, by public key. */
  readonly validators: ValidatorSet;
  /** What the founders are called, by public key. */
  readonly names: ReadonlyMap<string, string>;
}

/** Reads a genesis whoever sent it: it counts because its hash is the id of the network. @throws Unproven */
export function genesisFacts({ networkId, bytes: text }: ChainGenesisAnswer): GenesisFacts {
  const bytes = bytesOf(text);
  const network = toHex(nobleSuite.sha256(bytes));
  if (network !== networkId) throw new Unproven('genesis');
  const genesis = decodeCanonical(bytes, { maxBytes: MAX_GENESIS_BYTES }) as {
    protocol?: { chain?: { epochBlocks?: unknown } };
    validators?: readonly { name: string; publicKey: string; weight: number }[];
  };
  const epochBlocks = genesis.protocol?.chain?.epochBlocks;
  if (!Number.isSafeInteger(epochBlocks) || (epochBlocks as number) < 1) throw new Unproven('genesis');
  const founders = genesis.validators ?? [];
  const validators = founders
    .map(({ publicKey, weight }) => ({ publicKey, weight }))
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
  const names = new Map(founders.map(({ publicKey, name }) => [publicKey, name]));
  return { network, epochBlocks: epochBlocks as number, validators, names };
}
