/** Upper bounds of what a client may send, checked before anything is computed from it. */
export const API_LIMITS = Object.freeze({
  /** Bytes of a request body. */
  bodyBytes: 4 * 1024 * 1024,
  /** Levels of lists and objects in a body, and how many of them. */
  jsonDepth: 256,
  jsonContainers: 131_072,
  /** Prompts in one text completion request. */
  prompts: 64,
  messages: 1024,
  contentParts: 64,
  tools: 128,
  /** In one message. */
  toolCalls: 128,
  stopStrings: 4,
  /** UTF-16 units of one stop string. */
  stopLength: 256,
  topLogprobs: 20,
  modelIdLength: 512,
  /** Largest event id of a stream, a little above the most tokens a sequence may have. */
  eventId: 2 ** 21,
  /** Blocks of one list. */
  blocks: 100,
  /** Records of one list. */
  records: 100,
  /** Bytes of a record up to which a list of records has its body. */
  listedBodyBytes: 4_096,
  /** And its other fields. */
  listedRecordBytes: 256 * 1024,
  /** Keys of the state in one list. */
  stateKeys: 1_000,
  stateKeyLength: 512,
  /** Lines of one page of a statement. */
  statementLines: 100,
  /** Base64 digits of a submitted record: those of 4 MiB. */
  recordLength: Math.ceil((4 * 1024 * 1024) / 3) * 4,
  /** Bytes of a request body that submits one. */
  recordBodyBytes: 6 * 1024 * 1024,
});
