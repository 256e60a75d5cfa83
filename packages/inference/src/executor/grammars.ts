import { parseSchema, TokenGrammar, Vocabulary } from '@blyan/grammar';
import type { Root } from '@blyan/interface';
import { type ModelManifest, openTokenizer } from '@blyan/model';
import { InferenceError } from '../errors.ts';

/** One of a large vocabulary has some 20 MB. */
const MAX_VOCABULARIES = 4;
/** Each remembers some 15 MB at most, whatever its schema is. */
const MAX_GRAMMARS = 8;

/** What answers are held to, by model and JSON Schema; kept for the next answer that is held to the same. */
export class Grammars {
  readonly #manifest: (root: Root) => ModelManifest | undefined;
  readonly #vocabularies = new Map<Root, Vocabulary>();
  readonly #grammars = new Map<string, TokenGrammar>();

  constructor(manifest: (root: Root) => ModelManifest | undefined) {
    this.#manifest = manifest;
  }

  /**
   * @throws GrammarError ERR_GRAMMAR_SCHEMA, ERR_GRAMMAR_UNSUPPORTED, ERR_GRAMMAR_TOO_LARGE, ERR_GRAMMAR_VOCABULARY;
   *   InferenceError ERR_INFERENCE_MODEL_UNKNOWN
   */
  of(root: Root, jsonSchema: string): TokenGrammar {
    const make = () => new TokenGrammar(parseSchema(jsonSchema), this.#vocabulary(root));
    return recent(this.#grammars, `${root} ${jsonSchema}`, MAX_GRAMMARS, make);
  }

  #vocabulary(root: Root): Vocabulary {
    return recent(this.#vocabularies, root, MAX_VOCABULARIES, () => {
      const manifest = this.#manifest(root);
      if (!manifest) {
        throw new InferenceError('ERR_INFERENCE_MODEL_UNKNOWN', `This node does not know the model ${root}.`, {
          kind: 'caller',
        });
      }
      const { files, spec } = manifest;
      // Only for its tokens: it is not kept.
      const tokenizer = openTokenizer(files.tokenizerJson ?? '', files.tokenizerConfigJson ?? '{}');
      return new Vocabulary({
        size: spec.vocabSize,
        endTokenIds: spec.eosTokenIds,
        tokenBytes: (id) => tokenizer.tokenBytes(id),
        isSpecial: (id) => tokenizer.isSpecial(id),
        stripsLeadingSpace: tokenizer.stripsLeadingSpace,
      });
    });
  }
}

/** The value of a key, made when it is not among the latest ones. */
function recent<V>(values: Map<string, V>, key: string, most: number, make: () => V): V {
  const value = values.get(key) ?? make();
  values.delete(key);
  values.set(key, value);
  const [oldest] = values.keys();
  if (values.size > most && oldest !== undefined) values.delete(oldest);
  return value;
}
