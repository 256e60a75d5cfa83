export type { State as GrammarState } from './automaton.ts';
export { GrammarError, type GrammarErrorCode } from './errors.ts';
export { GRAMMAR_LIMITS } from './limits.ts';
export { parseSchema, writeSchema } from './parse-schema.ts';
export type { Shape } from './shape.ts';
export { TokenGrammar } from './token-grammar.ts';
export { isAllowed, type TokenMask } from './token-mask.ts';
export { Vocabulary, type VocabularyOptions } from './vocabulary.ts';
