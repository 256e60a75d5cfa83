import { encodeRecord, type Lane, type RecordFields, signRecord } from '@blyan/chain-format';
import { fromHex, signEd25519, toHex } from '@blyan/crypto';
import { modelView } from '@blyan/inference';
import type { Hash, NetworkId } from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';

/** An ed25519 key as records are signed with it; the raw private key of libp2p begins with its seed. */
export interface Author {
  readonly privateKey: { readonly raw: Uint8Array; readonly publicKey: { readonly raw: Uint8Array } };
}

/** What a record says, without who says it and when. */
export interface RecordContent {
  readonly lane: Lane;
  readonly type: string;
  readonly version: number;
  readonly body: RecordFields['body'];
}

export interface RecordTerms {
  readonly network: NetworkId;
  readonly nonce: number;
  /** Base units. */
  readonly fee?: bigint;
  readonly dependsOn?: readonly Hash[];
}

export function addressOf({ privateKey }: Author): string {
  return toHex(privateKey.publicKey.raw);
}

/** Canonical bytes of a signed record. @throws ERR_RECORD_BYTES */
export function signedRecord(content: RecordContent, terms: RecordTerms, author: Author): Uint8Array {
  const { network, nonce, fee = 0n, dependsOn = [] } = terms;
  const fields = { ...content, network, author: addressOf(author), nonce, fee, dependsOn };
  const seed = author.privateKey.raw.subarray(0, 32);
  return encodeRecord(signRecord(fields, (message) => signEd25519(message, seed)));
}

/** @param amount base units, above 0 */
export function transferContent(to: string, amount: bigint): RecordContent {
  return { lane: 'C', type: 'transfer', version: 1, body: { to: fromHex(to, 32), amount } };
}

/** What a node claims of itself for as long as it does not say otherwise. */
export interface Claims {
  readonly name?: string;
  readonly tier: number;
  readonly profile: string;
  readonly memoryBytes: number;
  readonly addresses: readonly string[];
}

export function nodeContent({ name, ...claims }: Claims): RecordContent {
  const body = { claims: { ...claims, ...(name !== undefined && { name }) } };
  return { lane: 'A', type: 'node', version: 1, body };
}

/** Publishes a version of a model: the root of its manifest and of every slice of every expert. */
export function modelContent(name: string, version: string, manifest: ModelManifest): RecordContent {
  const { experts } = modelView(manifest);
  const table = experts.map((layer) => layer.map((slices) => fromHex(slices.join(''))));
  const body = { name, version, root: fromHex(manifest.root, 32), experts: table };
  return { lane: 'A', type: 'model', version: 1, body };
}

/** Where an expert's roots come from, as the state has it. */
export interface ExpertChange {
  readonly model: string;
  readonly layer: number;
  readonly expert: number;
  /** Of the slices, in their order. */
  readonly roots: readonly string[];
  readonly base: { readonly block: Hash; readonly round: number };
}

/** Replaces the roots of an expert if nobody did since its base. */
export function expertContent({ model, layer, expert, roots, base }: ExpertChange): RecordContent {
  const { block, round } = base;
  const body = { model, layer, expert, roots: fromHex(roots.join('')), base: { block: fromHex(block, 32), round } };
  return { lane: 'B', type: 'expert', version: 1, body };
}
