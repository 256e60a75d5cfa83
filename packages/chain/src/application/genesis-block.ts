import {
  type BlockHeader,
  type BlockOutline,
  type CryptoSuite,
  headerHash,
  type ValidatorSet,
  validatorSetHash,
  ZERO_HASH,
} from '@blyan/chain-format';
import type { CanonicalValue } from '@blyan/codec';
import { fromHex, toHex } from '@blyan/crypto';
import type { BuiltGenesis } from '../genesis/genesis-bytes.ts';
import type { Genesis } from '../genesis/genesis-schema.ts';
import { publish } from '../records/model.ts';
import { StateDraft } from '../state/state-draft.ts';
import { PACT_KEY, VALIDATORS_KEY } from '../state/state-keys.ts';
import type { StateOverlay } from '../state/state-overlay.ts';
import { EMPTY_STATE } from '../state/state-reader.ts';

/** Block 0, which everybody makes for themselves, and the state after it. */
export interface GenesisBlock {
  readonly block: BlockOutline;
  readonly state: StateOverlay;
  readonly validators: ValidatorSet;
}

/** A pure function of the genesis. */
export function genesisBlock({ genesis, hash: network }: BuiltGenesis, suite: CryptoSuite): GenesisBlock {
  const validators = foundingValidators(genesis);
  const state = foundingState(genesis, validators);
  const validatorsHash = validatorSetHash(validators, suite);
  const header: BlockHeader = {
    ...{ network, epoch: 0, height: 0, view: 0, parent: ZERO_HASH, timeMs: 0, proposer: 0 },
    ...{ recordCount: 0, recordsRoot: ZERO_HASH, stateRoot: state.root },
    ...{ validatorsHash, nextValidatorsHash: validatorsHash },
  };
  return { block: { hash: headerHash(header, suite), header, recordHashes: [] }, state, validators };
}

function foundingValidators({ validators = [] }: Genesis): ValidatorSet {
  return validators
    .map(({ publicKey, weight }) => ({ publicKey, weight }))
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
}

function foundingState(genesis: Genesis, validators: ValidatorSet): StateOverlay {
  const draft = new StateDraft(EMPTY_STATE);
  draft.put(
    VALIDATORS_KEY,
    validators.map(({ publicKey, weight }) => [fromHex(publicKey, 32), weight]),
  );
  if (genesis.access === 'public') {
    draft.put(PACT_KEY, genesis.pact as unknown as CanonicalValue);
    return draft.seal();
  }
  for (const { address, balance } of genesis.accounts ?? []) {
    draft.putAccount(address, { balance: BigInt(balance), nonce: 0 });
  }
  for (const { root, ...model } of genesis.models ?? []) {
    publish(draft, { ...model, root: fromHex(root, 32), height: 0, parent: ZERO_HASH });
  }
  return draft.seal();
}

/** From the value of the `validators` key. */
export function validatorsOf(value: CanonicalValue | undefined): ValidatorSet {
  const entries = (value ?? []) as readonly (readonly [Uint8Array, number])[];
  return entries.map(([key, weight]) => ({ publicKey: toHex(key), weight }));
}
