import type { ModelObject } from '@blyan/api';
import { type Coordinator, isRoot, type Root, type ServedModel } from '@blyan/interface';
import { openTokenizer, type Tokenizer } from '@blyan/model';
import { GatewayError } from './errors.ts';

/** Tokenizers kept open; one of a large vocabulary takes some 100 MB. */
const MAX_TOKENIZERS = 8;

/** The served models by name or root, and their tokenizers. */
export class ModelCatalog {
  readonly #coordinator: Coordinator;
  /** In order of use, the oldest first. */
  readonly #tokenizers = new Map<Root, Tokenizer>();

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  list(): ModelObject[] {
    const taken = new Set<string>();
    return this.#coordinator.models().map((model) => {
      const id = taken.has(model.name) ? model.root : model.name;
      taken.add(model.name);
      return toModelObject(model, id);
    });
  }

  describe(id: string): ModelObject {
    return toModelObject(this.resolve(id), id);
  }

  /**
   * The model of that root, or the first one of that name.
   * @throws GatewayError ERR_GATEWAY_MODEL_UNKNOWN
   */
  resolve(id: string): ServedModel {
    const models = this.#coordinator.models();
    const found = (isRoot(id) && models.find(({ root }) => root === id)) || models.find(({ name }) => name === id);
    if (found) return found;
    const names = models.map(({ name }) => name).join(', ') || 'none yet';
    throw new GatewayError('ERR_GATEWAY_MODEL_UNKNOWN', `The model "${id}" is not served here. Served: ${names}.`, {
      kind: 'caller',
    });
  }

  tokenizerOf(model: ServedModel): Tokenizer {
    const tokenizer = this.#tokenizers.get(model.root) ?? openTokenizer(model.tokenizerJson, model.tokenizerConfigJson);
    this.#tokenizers.delete(model.root);
    this.#tokenizers.set(model.root, tokenizer);
    if (this.#tokenizers.size > MAX_TOKENIZERS) {
      for (const oldest of this.#tokenizers.keys()) {
        this.#tokenizers.delete(oldest);
        break;
      }
    }
    return tokenizer;
  }
}

function toModelObject(model: ServedModel, id: string): ModelObject {
  const blyan = { root: model.root, context_length: model.contextLength, vocab_size: model.vocabSize };
  return { id, object: 'model', created: model.created, owned_by: 'blyan', blyan };
}
