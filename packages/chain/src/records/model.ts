import type { CanonicalValue } from '@blyan/codec';
import { fromHex, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { z } from 'zod';
import type { WritableState } from '../state/state-draft.ts';
import { expertKey, modelKey, modelVersionKey } from '../state/state-keys.ts';
import { bytes32, expertTable, modelName, modelVersion } from './body-parts.ts';
import { FREE, recordType } from './record-type.ts';
import { compareVersions } from './semver.ts';

/** Value of a `model/<name>` key. */
export interface ModelEntry {
  /** Address of who published it first. */
  readonly owner: string;
  readonly latest: string;
  /** Experts per layer of the latest version. */
  readonly layers: readonly number[];
}

/** Where an expert's roots come from: what a change to it must name. */
export interface ExpertBase {
  /** Block before the one that set the roots. */
  readonly block: Hash;
  /** 0 as published with its model, one more with every change. */
  readonly round: number;
}

/** Lane A: publishes a version of a model. The first to publish under a name owns it. */
export const modelRecord = recordType({
  lane: 'A',
  name: 'model',
  version: 1,
  body: z.strictObject({
    name: modelName,
    version: modelVersion,
    /** Of the manifest block. */
    root: bytes32,
    experts: expertTable,
  }),
  ...FREE,
  check(state, { author }, { name, version }) {
    const before = modelEntryOf(state.get(modelKey(name)));
    if (before !== null && before.owner !== author) {
      return {
        code: 'ERR_RECORD_OWNER',
        message: `Model ${name} belongs to ${before.owner}; publish under a name of your own.`,
        final: true,
      };
    }
    if (before !== null && compareVersions(version, before.latest) <= 0) {
      return {
        code: 'ERR_RECORD_VERSION',
        message: `Model ${name} is at version ${before.latest}; ${version} does not come after it.`,
        final: true,
        meta: { latest: before.latest },
      };
    }
    return null;
  },
  apply(state, { author }, { name, version, root, experts }, { height, parent }) {
    publish(state, { name, version, root, experts, owner: author, height, parent });
  },
});

export interface Publication {
  readonly name: string;
  readonly version: string;
  readonly root: Uint8Array;
  readonly experts: readonly (readonly Uint8Array[])[];
  readonly owner: string;
  readonly height: number;
  readonly parent: Hash;
}

/** Puts a version in the state: it is the latest, and its experts are those of the model. */
export function publish(state: WritableState, publication: Publication): void {
  const { name, version, root, experts, owner, height, parent } = publication;
  const before = modelEntryOf(state.get(modelKey(name)));
  const layers = experts.map(({ length }) => length);
  state.put(modelKey(name), { owner: fromHex(owner, 32), latest: version, layers });
  state.put(modelVersionKey(name, version), { root, height });
  const base = { block: fromHex(parent, 32), round: 0 };
  experts.forEach((layer, l) => {
    layer.forEach((roots, e) => {
      state.put(expertKey(name, l, e), { roots, base });
    });
  });
  before?.layers.forEach((count, l) => {
    for (let e = layers[l] ?? 0; e < count; e++) state.put(expertKey(name, l, e), undefined);
  });
}

/** From the value of a `model/<name>` key; null where there is none. */
export function modelEntryOf(value: CanonicalValue | undefined): ModelEntry | null {
  if (value === undefined) return null;
  const { owner, latest, layers } = value as { owner: Uint8Array; latest: string; layers: readonly number[] };
  return { owner: toHex(owner), latest, layers };
}
