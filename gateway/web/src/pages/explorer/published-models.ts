import type { StateList } from '@blyan/api';
import { isFields, listOf, numberOf, textOf } from './fields.ts';

export interface PublishedVersion {
  readonly version: string;
  /** Of the manifest block. */
  readonly root: string;
  /** Of the block that has it. */
  readonly height: number;
}

export interface PublishedModel {
  readonly name: string;
  readonly owner: string;
  readonly latest: string;
  readonly layers: number;
  readonly experts: number;
  /** The newest first. */
  readonly versions: readonly PublishedVersion[];
}

/** Models and their versions, from the keys of the state that begin with `model/`; a slash in a name is written %2F there. */
export function publishedModels({ data }: StateList): PublishedModel[] {
  const models = new Map<string, PublishedModel>();
  const versions = new Map<string, PublishedVersion[]>();
  for (const { key, value } of data) {
    const [, escaped = '', version] = key.split('/');
    const name = escaped.replaceAll('%2F', '/');
    if (!isFields(value)) continue;
    if (version === undefined) {
      const layers = listOf(value.layers).map(numberOf);
      const experts = layers.reduce((sum, count) => sum + count, 0);
      const [owner, latest] = [textOf(value.owner), textOf(value.latest)];
      models.set(name, { name, owner, latest, layers: layers.length, experts, versions: [] });
    } else {
      const own = { version, root: textOf(value.root), height: numberOf(value.height) };
      versions.set(name, [...(versions.get(name) ?? []), own]);
    }
  }
  return [...models.values()].map((model) => {
    const own = versions.get(model.name) ?? [];
    return { ...model, versions: own.sort((a, b) => b.height - a.height) };
  });
}
