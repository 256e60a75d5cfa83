/** Bounds of what a schema may ask for, and of what it may cost. */
export const GRAMMAR_LIMITS = Object.freeze({
  /** Characters of a schema as JSON. */
  schemaChars: 65_536,
  /** Subschemas, `enum` values and alternatives together. */
  shapes: 4_096,
  /** Subschemas inside each other. */
  schemaDepth: 64,
  /** Arrays and objects inside each other in a document. */
  documentDepth: 64,
  /** Alternatives that are followed at once: of a schema that leaves more of them open, the first ones. */
  threads: 64,
  /** Digits before the point, behind it, and of an exponent: the answer must end some day. */
  integerDigits: 19,
  fractionDigits: 17,
  exponentDigits: 2,
  /** Most spaces of indentation for each array or object around a line; of tabs it is one. */
  indent: 4,
});
