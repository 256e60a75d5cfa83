import type { ChainBlock, ChainClient, ChainRecordAnswer, ChainStateAnswer } from '@blyan/api';
import {
  type BlockHeader,
  certificateSigners,
  decodeCertificate,
  decodeHeader,
  decodeRecord,
  headerHash,
  nobleSuite,
  proveRecord,
  type QuorumCertificate,
  quorumWeight,
  totalWeight,
  type ValidatorSet,
  validatorSetHash,
  verifyRecord,
} from '@blyan/chain-format';
import { decodeEpochEnd, type FinalHeader, LightClient, MAX_PROOF_HEADERS } from '@blyan/light-client';
import { bytesOf } from './bytes.ts';
import { type GenesisFacts, genesisFacts } from './genesis.ts';
import type { ProofStep, StepName } from './steps.ts';
import { Unproven } from './unproven.ts';

/** What is asked of the gateway. */
export type ChainSource = Pick<ChainClient, 'genesis' | 'block' | 'blocks' | 'epochs'>;

/** Hears what was shown, and what is being looked at. */
export interface ProofListener {
  begins(step: StepName): void;
  shown(step: ProofStep): void;
  /** The end of this epoch was followed. */
  followed(epoch: number): void;
}

/** Where an epoch begins, and who votes in it. */
interface EpochStart {
  readonly block: FinalHeader;
  readonly validators: ValidatorSet;
}

const HEADERS_AT_ONCE = 100;

/**
 * Checks what a node says of the chain, from the genesis on and in this very page: nothing counts that a quorum of the
 * validators did not sign. Epochs are followed once; what comes later goes on from there.
 */
export class ChainVerifier {
  readonly #source: ChainSource;
  readonly #trusted: string | null;
  readonly #starts: EpochStart[] = [];
  #genesis: GenesisFacts | null = null;
  #front: LightClient | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param trusted - id of the only network that is believed; null for the one that the node names */
  constructor(source: ChainSource, trusted: string | null) {
    this.#source = source;
    this.#trusted = trusted;
  }

  /** That a block is final, and that its records are those. */
  block(told: ChainBlock, listener: ProofListener, signal: AbortSignal): Promise<void> {
    return this.#alone(() => this.#block(told, listener, signal));
  }

  /** That a record is on the chain, and its author signed it. */
  record(told: ChainRecordAnswer, listener: ProofListener, signal: AbortSignal): Promise<void> {
    return this.#alone(() => this.#record(told, listener, signal));
  }

  /** That the state after a final block has this value at this key, or none. */
  state(told: ChainStateAnswer, listener: ProofListener, signal: AbortSignal): Promise<void> {
    return this.#alone(() => this.#state(told, listener, signal));
  }

  /** One after the other: they follow the same epochs. */
  #alone(check: () => Promise<void>): Promise<void> {
    const checked = this.#last.then(check, check);
    this.#last = checked;
    return checked;
  }

  async #block(told: ChainBlock, listener: ProofListener, signal: AbortSignal): Promise<void> {
    const { header, client } = await this.#final(told, listener, signal);
    listener.begins('records');
    allRecords(client, header, told.recordHashes);
    listener.shown({ at: 'records', count: told.recordHashes.length });
  }

  async #record(told: ChainRecordAnswer, listener: ProofListener, signal: AbortSignal): Promise<void> {
    const { hash, place, bytes } = told;
    if (place === null) throw new Unproven('waiting');
    const block = await this.#source.block(place.height, signal);
    const { header, client } = await this.#final(block, listener, signal);
    listener.begins('record');
    if (block.recordHashes[place.index] !== hash) throw new Unproven('records');
    client.verifyRecord(header, hash, proveRecord(block.recordHashes, place.index, nobleSuite));
    listener.shown({ at: 'record', index: place.index, count: block.recordHashes.length });
    if (bytes === null) return;
    listener.begins('author');
    const decoded = decodeRecord(bytesOf(bytes), nobleSuite);
    if (decoded.hash !== hash) throw new Unproven('hash');
    verifyRecord(decoded, header.header.network, nobleSuite);
    listener.shown({ at: 'author', author: decoded.record.author });
  }

  async #state(told: ChainStateAnswer, listener: ProofListener, signal: AbortSignal): Promise<void> {
    const { key, bytes, proof } = told;
    if (proof === undefined) throw new Unproven('missing');
    const { header, client } = await this.#final(proof.block, listener, signal);
    listener.begins('state');
    const { siblings, other } = proof;
    client.verifyState(header, { key, value: bytes === null ? null : bytesOf(bytes), siblings, other });
    listener.shown({ at: 'state', key, siblings: siblings.length, isAbsent: bytes === null });
  }

  async #final(
    told: Pick<ChainBlock, 'hash' | 'height' | 'header' | 'certificate'>,
    listener: ProofListener,
    signal: AbortSignal,
  ): Promise<{ readonly header: FinalHeader; readonly client: LightClient }> {
    const genesis = await this.#begin(listener, signal);
    const header = decodeHeader(bytesOf(told.header));
    await this.#follow(header.epoch, listener, signal);
    listener.begins('finality');
    if (headerHash(header, nobleSuite) !== told.hash || header.height !== told.height) throw new Unproven('hash');
    const client = this.#clientOf(header.epoch);
    if (header.height === 0) throw new Unproven(this.#starts[0]?.block.hash === told.hash ? 'unsigned' : 'hash');
    if (told.certificate === null) throw new Unproven('missing');
    const certificate = decodeCertificate(bytesOf(told.certificate));
    const headers = [header, ...(await this.#descendants(header, told.hash, certificate, signal))];
    const final = client.verifyBlock({ headers, certificate });
    const { validators } = client;
    const signed = new Set(certificateSigners(certificate));
    const signers = validators.map(({ publicKey, weight }, at) => {
      return { publicKey, weight, signed: signed.has(at), name: genesis.names.get(publicKey) ?? null };
    });
    listener.shown({
      ...{ at: 'finality', height: header.height, epoch: header.epoch, signers, descendants: headers.length - 1 },
      validatorsHash: header.validatorsHash,
      weight: signers.reduce((sum, one) => sum + (one.signed ? one.weight : 0), 0),
      ...{ total: totalWeight(validators), quorum: quorumWeight(validators) },
    });
    return { header: final, client };
  }

  /** The genesis, and block 0 that it makes: its state is not looked at, its network and validators are. */
  async #begin(listener: ProofListener, signal: AbortSignal): Promise<GenesisFacts> {
    listener.begins('genesis');
    if (this.#genesis === null) {
      const [told, block] = await Promise.all([this.#source.genesis(signal), this.#source.block(0, signal)]);
      const genesis = genesisFacts(told);
      if (this.#trusted !== null && genesis.network !== this.#trusted) throw new Unproven('otherNetwork');
      const header = decodeHeader(bytesOf(block.header));
      const hash = headerHash(header, nobleSuite);
      if (header.validatorsHash !== validatorSetHash(genesis.validators, nobleSuite)) throw new Unproven('genesis');
      const { network, epochBlocks, validators } = genesis;
      this.#front = new LightClient({ network, epochBlocks, hash }, header, validators);
      this.#starts.push({ block: this.#front.start, validators });
      this.#genesis = genesis;
    }
    const { network, validators } = this.#genesis;
    listener.shown({ at: 'genesis', network, validators: validators.length });
    return this.#genesis;
  }

  async #follow(epoch: number, listener: ProofListener, signal: AbortSignal): Promise<void> {
    if (epoch === 0) return;
    listener.begins('epochs');
    const front = this.#front as LightClient;
    while (front.epoch < epoch) {
      const { data } = await this.#source.epochs(front.epoch, signal);
      if (data.length === 0) throw new Unproven('missing');
      for (const end of data) {
        const block = front.advance(decodeEpochEnd(bytesOf(end)));
        this.#starts.push({ block, validators: front.validators });
        listener.followed(front.epoch);
        // Signatures take milliseconds each: the page has to stay alive between two epochs.
        await turn();
        signal.throwIfAborted();
      }
    }
    listener.shown({ at: 'epochs', epoch });
  }

  /** One that has come to this epoch and not beyond. */
  #clientOf(epoch: number): LightClient {
    const { network, epochBlocks } = this.#genesis as GenesisFacts;
    const { block, validators } = this.#starts[epoch] as EpochStart;
    return new LightClient({ network, epochBlocks, hash: block.hash }, block.header, validators);
  }

  /** From the block's child to the one with the certificate, as the node says; whether they are linked the client looks at. */
  async #descendants(
    { network, height }: BlockHeader,
    hash: string,
    { block: certified }: QuorumCertificate,
    signal: AbortSignal,
  ): Promise<BlockHeader[]> {
    const headers: BlockHeader[] = [];
    let last = hash;
    while (last !== certified) {
      const next = height + 1 + headers.length;
      const { data } = await this.#source.blocks({ before: next + HEADERS_AT_ONCE, limit: HEADERS_AT_ONCE }, signal);
      const above = data.filter((block) => block.height >= next).sort((a, b) => a.height - b.height);
      if (above.length === 0 || headers.length + above.length >= MAX_PROOF_HEADERS) throw new Unproven('missing');
      for (const { hash: own, ...fields } of above) {
        if (last === certified) break;
        headers.push({ network, ...fields });
        last = own;
      }
    }
    return headers;
  }
}

function allRecords(client: LightClient, header: FinalHeader, hashes: readonly string[]): void {
  if (hashes.length !== header.header.recordCount) throw new Unproven('records');
  // One proof is of the whole: its siblings cover every other hash.
  if (hashes.length > 0) client.verifyRecord(header, hashes[0] as string, proveRecord(hashes, 0, nobleSuite));
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));
