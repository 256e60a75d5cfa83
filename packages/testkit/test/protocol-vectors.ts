import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildGenesis, privateGenesis } from '@blyan/chain';
import { encodeCanonical, encodeFrame, encodeMessageFrame } from '@blyan/codec';
import { domainMessage, publicKeyOf, sign, toHex } from '@blyan/crypto';
import { blockLabel, importCheckpoint, quantisedRowBytes, quantiseRow } from '@blyan/model';
import { encodeInvite, encodeNodeRecord, peerIdOf } from '@blyan/p2p';
import { PLAN_SIGNATURE_DOMAIN, RECORD_SIGNATURE_DOMAIN } from '@blyan/params';
import { type NodeRecordFields, type Plan, planBytes, signPlan } from '@blyan/routing';
import { BlockStore } from '@blyan/store';
import { philox, uniformAt } from '../../inference/src/random.ts';
import { encodeExperts, encodeOutput, encodeStep, RESULT } from '../../inference/src/wire.ts';
import { AnswerSeal } from '../../p2p/src/answer-seal.ts';
import { encodeTile, encodeTileRequest } from '../../p2p/src/block-wire.ts';
import { noisePrologue } from '../../p2p/src/join-secret.ts';
import { goldenDir, temporaryDirectory } from '../src/index.ts';
import { chainVectors } from './chain-vectors.ts';

/** What `docs/PROTOCOL.md` quotes, by the name after `vector`; hexadecimal unless it is plainly not. */
export type Vectors = Readonly<Record<string, string>>;

const SEED = new Uint8Array(32).fill(7);
const PEER = peerIdOf(publicKeyOf(SEED));
const OTHER_PEER = peerIdOf(publicKeyOf(new Uint8Array(32).fill(8)));
const ROOT = '2e'.repeat(32);
const NETWORK = '0123456789abcdef'.repeat(4);
const REQUEST_ID = '000102030405060708090a0b0c0d0e0f';

const joined = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString('hex');

const RECORD: NodeRecordFields = {
  v: 1,
  peerId: PEER,
  publicKey: publicKeyOf(SEED),
  addresses: ['/ip4/192.0.2.7/tcp/4701'],
  sequence: 1_700_000_000_000,
  issuedAtMs: 1_700_000_000_000,
  ttlMs: 20_000,
  version: '0.1.0',
  tier: 0,
  profile: 'onnxruntime-1.30.0/cpu/avx2/q32/e1',
  host: 'trunk,layers:0-1',
  models: [{ root: ROOT, blocks: Uint8Array.of(0xfe, 0x03), demand: Uint8Array.of(0x05, 0xb2) }],
  measured: { stepUs: 700, trunkUs: 200, expertUs: 250, headUs: 400, prefillRowUs: 90, bandwidthMBps: 0, messageUs: 0 },
  active: 1,
  queued: 0,
  freeKvBytes: 2_147_483_648,
  gateway: true,
};

/** A two-layer pipeline over two nodes, two experts a layer. */
const PLAN: Plan = {
  type: 'pipeline',
  modelRoot: ROOT,
  profile: RECORD.profile,
  mixedProfile: false,
  embedding: PEER,
  head: PEER,
  stages: [
    { peerId: PEER, firstLayer: 0, lastLayer: 0 },
    { peerId: OTHER_PEER, firstLayer: 1, lastLayer: 1 },
  ],
  experts: [
    [[PEER], [PEER]],
    [[OTHER_PEER], [OTHER_PEER, PEER]],
  ],
  fallbackOrder: [],
};

interface GoldenBlocks {
  readonly trees: readonly { leafCount: number; top: string }[];
  readonly blocks: readonly {
    root: string;
    headerHex: string;
    manifestHex: string;
    fileSha256: string;
    subtileProof: { siblings: string };
    tileProof: { siblings: string };
  }[];
}

function blockVectors(): Vectors {
  const path = new URL('../../tensorblock/test/fixtures/golden.json', import.meta.url);
  const { trees, blocks } = JSON.parse(readFileSync(path, 'utf8')) as GoldenBlocks;
  const [small, , sample] = blocks as [GoldenBlocks['blocks'][0], unknown, GoldenBlocks['blocks'][0]];
  return {
    ...Object.fromEntries(trees.map(({ leafCount, top }) => [`tree/${leafCount}`, top])),
    'block/header': small.headerHex,
    'block/manifest': small.manifestHex,
    'block/root': small.root,
    'block/sha256': small.fileSha256,
    'proof/root': sample.root,
    'proof/subtile-20': sample.subtileProof.siblings,
    'proof/tile-0': sample.tileProof.siblings,
  };
}

async function modelVectors(): Promise<Vectors> {
  await using dir = await temporaryDirectory();
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  await using store = new BlockStore({ dir: dir.path }, { logger: silent });
  await store.start();
  const vectors: Record<string, string> = {};
  for (const dtype of ['f32', 'source', 'i8', 'i4'] as const) {
    const { root, manifest } = await importCheckpoint({ dir: goldenDir('mixtral'), store, name: 'mixtral', dtype });
    vectors[`model/${dtype}`] = root;
    if (dtype !== 'f32') continue;
    for (const block of manifest.blocks) {
      const label = blockLabel(block);
      if (['embedding', 'trunk:0', 'expert:0.0', 'head'].includes(label)) vectors[`model/f32/${label}`] = block.root;
    }
  }
  return vectors;
}

function quantisedVectors(): Vectors {
  const values = Float32Array.of(1, -0.5, 0.25, 0);
  const row = (dtype: 'i8' | 'i4') => {
    const stored = new Uint8Array(quantisedRowBytes(values.length, dtype));
    const scales = new Float32Array(1);
    quantiseRow(values, dtype, stored, 0, scales, 0);
    return { stored: toHex(stored), scale: toHex(new Uint8Array(scales.buffer)) };
  };
  const [eight, four] = [row('i8'), row('i4')];
  return {
    'quantise/i8': eight.stored,
    'quantise/i8-scale': eight.scale,
    'quantise/i4': four.stored,
    'quantise/i4-scale': four.scale,
  };
}

async function genesisVectors(): Promise<Vectors> {
  const publicNetwork = await buildGenesis(fileURLToPath(new URL('../../../genesis', import.meta.url)));
  const { bytes, hash } = privateGenesis({ name: 'vectors', salt: new Uint8Array(32).fill(1) });
  return { 'genesis/public': publicNetwork.hash, 'genesis/private': toHex(bytes), 'genesis/private-id': hash };
}

function wireVectors(): Vectors {
  const rows = Float32Array.of(1, -2);
  const body = encodeCanonical(RECORD as unknown as Parameters<typeof encodeCanonical>[0]);
  const call = { modelRoot: ROOT, layer: 2, groups: [{ expert: 5, rows: [0] }], rows };
  const bodyOf = new Uint8Array([1, 2]);
  return {
    'frame/request': joined(encodeFrame('request', 1, 'path', [bodyOf])),
    'frame/response': toHex(encodeMessageFrame('response', 0xdeadbeef, '', { a: 1, b: [true, null, bodyOf] })),
    'frame/cancel': joined(encodeFrame('cancel', 2, '', [])),
    'frame/credit': joined(encodeFrame('credit', 3, '', new Uint8Array([0, 0, 16, 0]))),
    'frame/notify': joined(encodeFrame('notify', 0, 'step', new Uint8Array([9]))),
    'record/peer': PEER,
    'record/body': toHex(body),
    'record/signature': toHex(sign(RECORD_SIGNATURE_DOMAIN, body, SEED)),
    'record/envelope-head': toHex(encodeNodeRecord(RECORD, SEED).subarray(0, 9)),
    'plan/bytes': toHex(planBytes(PLAN)),
    'plan/signature': toHex(signPlan(PLAN, SEED).signature ?? new Uint8Array()),
    invite: encodeInvite({
      addresses: [`/ip4/192.0.2.7/tcp/4701/p2p/${PEER}`],
      networkId: NETWORK,
      modelRoot: ROOT,
    }),
    'join/prologue': toHex(noisePrologue(NETWORK, new Uint8Array(16).fill(9))),
    'journal/locator': new AnswerSeal({ id: REQUEST_ID, bearer: 'key' }).locator,
    'blocks/tile-request': toHex(encodeTileRequest(ROOT, 3)),
    'blocks/tile-head': toHex(
      encodeTile({
        siblings: new Uint8Array(32),
        leaves: new Uint8Array(512),
        bytes: new Uint8Array(0),
      })[0] as Uint8Array,
    ),
    'inference/step': joined(encodeStep({ requestId: REQUEST_ID, layer: 1, epoch: 2, position: 3, wanted: 1, rows })),
    'inference/result': joined(
      encodeStep({ requestId: REQUEST_ID, layer: RESULT, epoch: 2, position: 3, wanted: 0, rows }),
    ),
    'inference/experts': joined(encodeExperts(call)),
    'inference/output': joined(encodeOutput({ ms: 1.5, rows })),
  };
}

/** Every vector, computed by the code that the daemon runs. */
export async function protocolVectors(): Promise<Vectors> {
  const canonical = { v: 1, name: 'ünï', list: [true, null, -1], big: 1n << 64n, bytes: Uint8Array.of(1, 2) };
  return {
    'cbor/example': toHex(encodeCanonical(canonical)),
    'signature/message': toHex(domainMessage(PLAN_SIGNATURE_DOMAIN, Uint8Array.of(0xff))),
    ...blockVectors(),
    ...(await modelVectors()),
    ...quantisedVectors(),
    ...(await genesisVectors()),
    ...wireVectors(),
    ...chainVectors(),
    philox: philox([0, 0, 0, 0], [0, 0])
      .map((word) => word.toString(16).padStart(8, '0'))
      .join(''),
    'philox/uniform': String(uniformAt(42, 7)),
  };
}
