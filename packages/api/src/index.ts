export { type AnswerCost, answerCost, CREDIT } from './answer-cost.ts';
export {
  AUTH_MODES,
  type AuthMode,
  type CreatedKey,
  createdKey,
  type KeyList,
  keyList,
  keyRequest,
  type LimitsAnswer,
  limitsAnswer,
  listedId,
  revoked,
  type SessionAnswer,
  type SessionList,
  SIGN_IN_REFUSALS,
  type SignedInAnswer,
  type SignInRefusal,
  type SiweChallengeAnswer,
  sessionAnswer,
  sessionList,
  sessionsToEnd,
  signedIn,
  siweChallenge,
  siweChallengeRequest,
  siweVerifyRequest,
  TRUST_LEVELS,
  type TrustLevel,
} from './auth.ts';
export { AuthClient, type WantedKey } from './auth-client.ts';
export {
  type BlyanAnswer,
  type BlyanChunk,
  type BlyanFailover,
  type BlyanRouteEntry,
  blyanAnswer,
  blyanChunk,
  blyanOptions,
} from './blyan-extension.ts';
export {
  accountAddress,
  type BlockEvent,
  type BlockList,
  type BlockSummary,
  blockEvent,
  blockId,
  blockList,
  blockSummary,
  blocksQuery,
  type ChainAccountAnswer,
  type ChainBlock,
  type ChainEpochsAnswer,
  type ChainGenesisAnswer,
  type ChainHeadAnswer,
  type ChainRecordAnswer,
  type ChainStateAnswer,
  chainAccount,
  chainBlock,
  chainEpochs,
  chainGenesis,
  chainHead,
  chainRecord,
  chainState,
  epochsQuery,
  type RecordAccepted,
  type RecordList,
  recordAccepted,
  recordHash,
  recordList,
  recordSubmission,
  recordsQuery,
  type StateList,
  stateKey,
  stateList,
  stateQuery,
  statesQuery,
} from './chain.ts';
export { ChainClient } from './chain-client.ts';
export {
  type ChatCompletionRequest,
  chatCompletionRequest,
  chatMessage,
  messageText,
  type ParsedChatCompletionRequest,
  templateMessage,
} from './chat-request.ts';
export {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatLogprobs,
  chatCompletion,
  chatCompletionChunk,
  chatLogprobs,
} from './chat-response.ts';
export { ApiClient, type ApiClientOptions } from './client.ts';
export { ApiClientError, type ApiClientErrorCode } from './client-error.ts';
export {
  type CompletionRequest,
  completionRequest,
  type ParsedCompletionRequest,
  type PromptInput,
} from './completion-request.ts';
export {
  type Completion,
  type CompletionChunk,
  type CompletionLogprobs,
  completion,
  completionChunk,
  completionLogprobs,
} from './completion-response.ts';
export { CreditClient } from './credit-client.ts';
export {
  type ParsedQuoteRequest,
  QUOTE_HEADER,
  type QuoteAnswer,
  type QuoteRequest,
  quoteAnswer,
  quoteRequest,
  STATEMENT_LINE_TYPES,
  type StatementAnswer,
  type StatementLine,
  statementAnswer,
  statementQuery,
  type TrialBalanceAnswer,
  trialBalanceAnswer,
} from './credits.ts';
export {
  type DeviceAnswer,
  type DeviceKeyAnswer,
  type DeviceView,
  deviceAnswer,
  deviceDecision,
  deviceKeyAnswer,
  deviceKeyRequest,
  deviceRequest,
  deviceView,
  userCode,
} from './device.ts';
export {
  API_ERROR_TYPES,
  type ApiErrorBody,
  type ApiErrorType,
  apiErrorBody,
} from './errors.ts';
export { type FinishReason, finishReason, type Usage, usage } from './generation-fields.ts';
export { health, READINESS_CHECKS, type ReadinessCheckName, readiness } from './health.ts';
export { type AskedFormat, chatFormatOf, ollamaFormatOf, responsesFormatOf } from './json-format.ts';
export { API_LIMITS } from './limits.ts';
export {
  countTokensAnswer,
  countTokensRequest,
  findUnsupportedInMessages,
  MESSAGES_ERROR_TYPES,
  type MessagesAnswer,
  messagesAnswer,
  messagesConversation,
  messagesErrorBody,
  messagesEvent,
  messagesRequest,
  type ParsedMessagesRequest,
} from './messages.ts';
export { askedInMessages } from './messages-content.ts';
export { type ModelList, type ModelObject, modelList, modelObject } from './models.ts';
export {
  findUnsupportedInOllamaChat,
  findUnsupportedInOllamaGenerate,
  type OllamaCommon,
  type OllamaModel,
  type OllamaOptions,
  ollamaChatAnswer,
  ollamaChatRequest,
  ollamaErrorBody,
  ollamaGenerateAnswer,
  ollamaGenerateRequest,
  ollamaModels,
  ollamaShow,
  ollamaShowRequest,
  ollamaVersion,
} from './ollama.ts';
export {
  type OperatorKeyList,
  operatorKeyList,
  operatorKeyOwner,
  operatorKeyRequest,
  operatorKeysQuery,
} from './operator.ts';
export { OperatorClient } from './operator-client.ts';
export { PAGE_PATHS } from './page-paths.ts';
export { DEFAULT_PRICES } from './prices.ts';
export {
  findUnsupportedInResponses,
  responsesAnswer,
  responsesConversation,
  responsesEvent,
  responsesRequest,
} from './responses.ts';
export { askedInResponses } from './responses-tools.ts';
export { API_ROUTES, methodsOf } from './routes.ts';
export { readSse, readSseEvents, SSE_DONE, SSE_PING, type SseEvent, sseData } from './sse.ts';
export { networkState, type StateAnswer } from './state.ts';
export { type AskedTool, type AskedTools, askedInChat } from './tools.ts';
export { formatUnits, parseUnits } from './units.ts';
export { findUnsupportedInChat, findUnsupportedInCompletion, type Unsupported } from './unsupported.ts';
export { USER_CODE_LENGTH, USER_CODE_LETTERS, userCodeOf } from './user-code.ts';
