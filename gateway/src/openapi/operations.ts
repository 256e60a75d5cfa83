import {
  apiErrorBody,
  blockEvent,
  chatCompletion,
  chatCompletionChunk,
  completion,
  completionChunk,
  countTokensAnswer,
  health,
  messagesAnswer,
  messagesErrorBody,
  messagesEvent,
  ollamaChatAnswer,
  ollamaErrorBody,
  ollamaGenerateAnswer,
  ollamaVersion,
  readiness,
  responsesAnswer,
  responsesEvent,
} from '@blyan/api';
import { z } from 'zod';

/** What a route's own schema does not say of it. */
export interface Operation {
  readonly summary: string;
  readonly tag: Tag;
  /** Who gets an answer. */
  readonly access: Access;
  /** Bodies by media type and status, where the route writes them itself. */
  readonly answers?: { readonly [status: number]: Readonly<Record<string, z.ZodType>> };
}

const QUESTION = 'What is a river?';
const CONVERSATION = { model: 'blyan', messages: [{ role: 'user', content: QUESTION }] };

/** Requests to begin with; a test sends each to a gateway. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  'POST /v1/chat/completions': { ...CONVERSATION, max_tokens: 64, stream: false },
  'POST /v1/completions': { model: 'blyan', prompt: 'A river is', max_tokens: 64 },
  'POST /v1/responses': { model: 'blyan', input: QUESTION, max_output_tokens: 64 },
  'POST /v1/messages': { ...CONVERSATION, max_tokens: 64 },
  'POST /v1/messages/count_tokens': CONVERSATION,
  'POST /api/chat': { ...CONVERSATION, stream: false, options: { num_predict: 64 } },
  'POST /api/generate': { model: 'blyan', prompt: QUESTION, stream: false, options: { num_predict: 64 } },
  'POST /api/show': { model: 'blyan' },
  'POST /api/v1/quotes': { ...CONVERSATION, max_tokens: 64 },
};

export type Access = 'everybody' | 'asker' | 'account' | 'page' | 'operator';
export type Tag = keyof typeof TAGS;

/** Families of routes, each with the shape of its errors. */
export const TAGS = {
  OpenAI: { about: 'What clients of OpenAI speak.', error: apiErrorBody },
  Anthropic: { about: 'What clients of Anthropic speak.', error: messagesErrorBody },
  Ollama: { about: 'What clients of Ollama speak.', error: ollamaErrorBody },
  Answers: { about: 'Answers that are under way.', error: apiErrorBody },
  Network: { about: 'The nodes and this gateway.', error: apiErrorBody },
  Chain: { about: 'What is final on the chain, as this node has it.', error: apiErrorBody },
  Account: { about: 'Signing in with a wallet (EIP-4361), sessions, API keys, limits.', error: apiErrorBody },
  Operator: { about: 'For whoever runs the gateway, on its machine.', error: apiErrorBody },
} as const;

const JSON_TYPE = 'application/json';
const SSE = 'text/event-stream';
const LINES = 'application/x-ndjson';

const whole = (schema: z.ZodType) => ({ 200: { [JSON_TYPE]: schema } });
const streamed = (json: z.ZodType, type: string, part: z.ZodType) => ({ 200: { [JSON_TYPE]: json, [type]: part } });
const READY = { 200: { [JSON_TYPE]: readiness }, 503: { [JSON_TYPE]: readiness } };
const operation = (tag: Tag, access: Access, summary: string, answers?: Operation['answers']): Operation =>
  answers === undefined ? { tag, access, summary } : { tag, access, summary, answers };

/** One for every method of every route; a test compares them with the routes that there are. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /v1/models': operation('OpenAI', 'everybody', 'Models that are served'),
  'GET /v1/models/*': operation('OpenAI', 'everybody', 'One model, by its name or its root'),
  'POST /v1/chat/completions': operation(
    'OpenAI',
    'asker',
    'Answers a conversation; with "stream" as events, the last one "[DONE]"',
    streamed(chatCompletion, SSE, chatCompletionChunk),
  ),
  'POST /v1/completions': operation(
    'OpenAI',
    'asker',
    'Goes on with one or more prompts',
    streamed(completion, SSE, completionChunk),
  ),
  'POST /v1/responses': operation(
    'OpenAI',
    'asker',
    'Answers a conversation and keeps nothing of it',
    streamed(responsesAnswer, SSE, responsesEvent),
  ),
  'POST /v1/messages': operation(
    'Anthropic',
    'asker',
    'Answers a conversation',
    streamed(messagesAnswer, SSE, messagesEvent),
  ),
  'POST /v1/messages/count_tokens': operation(
    'Anthropic',
    'asker',
    'Counts the tokens of a conversation',
    whole(countTokensAnswer),
  ),
  'POST /api/chat': operation(
    'Ollama',
    'asker',
    'Answers a conversation, as lines of JSON unless "stream" is false',
    streamed(ollamaChatAnswer, LINES, ollamaChatAnswer),
  ),
  'POST /api/generate': operation(
    'Ollama',
    'asker',
    'Answers a prompt, as lines of JSON unless "stream" is false',
    streamed(ollamaGenerateAnswer, LINES, ollamaGenerateAnswer),
  ),
  'POST /api/show': operation('Ollama', 'asker', 'What a model is'),
  'GET /api/tags': operation('Ollama', 'everybody', 'Models that are served'),
  'GET /api/ps': operation('Ollama', 'everybody', 'Models that are in memory: all that are served'),
  'GET /api/version': operation('Ollama', 'everybody', 'The version of this gateway', whole(ollamaVersion)),
  'GET /api/v1/requests/:id/stream': operation(
    'Answers',
    'asker',
    'Goes on with a streamed answer behind the event "after" (or Last-Event-ID), for whoever asked for it',
    { 200: { [SSE]: z.looseObject({}) } },
  ),
  'GET /healthz': operation('Network', 'everybody', 'Whether the process answers', whole(health)),
  'GET /readyz': operation(
    'Network',
    'everybody',
    'Whether answers can be given now, by each thing that is needed for that',
    READY,
  ),
  'GET /readyz/:check': operation('Network', 'everybody', 'One of these checks by itself', READY),
  'GET /api/v1/state': operation('Network', 'everybody', 'Nodes, coverage and models as this node sees them'),
  'GET /openapi.json': operation(
    'Network',
    'everybody',
    'This document',
    whole(z.looseObject({ openapi: z.string() })),
  ),
  'GET /api/v1/chain/head': operation('Chain', 'everybody', 'The newest final block'),
  'GET /api/v1/chain/blocks': operation('Chain', 'everybody', 'Final blocks, newest first'),
  'GET /api/v1/chain/blocks/:id': operation('Chain', 'everybody', 'A final block by its height or hash'),
  'GET /api/v1/chain/genesis': operation('Chain', 'everybody', 'How the network begins'),
  'GET /api/v1/chain/records': operation('Chain', 'everybody', 'Records of an author, or of a block'),
  'POST /api/v1/chain/records': operation('Chain', 'everybody', 'Hands in a signed record'),
  'GET /api/v1/chain/records/:id': operation('Chain', 'everybody', 'A record, on the chain or waiting'),
  'GET /api/v1/chain/accounts/:id': operation('Chain', 'everybody', 'Balance and nonce of an account'),
  'GET /api/v1/chain/epochs': operation('Chain', 'everybody', 'Ends of epochs, which a light client follows'),
  'GET /api/v1/chain/state': operation('Chain', 'everybody', 'Keys of the state by their beginning'),
  'GET /api/v1/chain/state/*': operation('Chain', 'everybody', 'A value of the state, with "proof=1" its proof'),
  'GET /api/v1/chain/events': operation('Chain', 'everybody', 'Final blocks as they come, as events', {
    200: { [SSE]: blockEvent },
  }),
  'POST /auth/siwe/challenge': operation('Account', 'page', 'The message that a wallet is to sign'),
  'POST /auth/siwe/verify': operation('Account', 'page', 'Signs in with the signed message'),
  'GET /auth/session': operation('Account', 'everybody', 'Who is signed in, and whether one can sign in here'),
  'POST /auth/logout': operation('Account', 'page', 'Signs out', { 204: {} }),
  'GET /auth/sessions': operation('Account', 'page', 'Sessions of whoever is signed in'),
  'DELETE /auth/sessions': operation('Account', 'page', 'Ends all sessions, or all but this one'),
  'DELETE /auth/sessions/:id': operation('Account', 'page', 'Ends a session'),
  'POST /api/v1/quotes': operation('Account', 'asker', 'What an answer costs at most, for five minutes'),
  'GET /api/v1/operator/keys': operation('Operator', 'operator', 'API keys of an account, or the newest of all'),
  'POST /api/v1/operator/keys': operation('Operator', 'operator', 'Makes a key for an account'),
  'DELETE /api/v1/operator/keys/:id': operation('Operator', 'operator', 'Ends a key of an account'),
  'GET /api/v1/account/statement': operation('Account', 'account', 'Credits of the account, and what moved on it'),
  'GET /api/v1/ledger/trial-balance': operation(
    'Network',
    'everybody',
    'Whether the books are balanced; for programs on the gateway’s machine',
  ),
  'GET /auth/limits': operation('Account', 'account', 'Trust, rates and what is left of them'),
  'POST /auth/device': operation('Account', 'everybody', 'Asks for a key that a person approves at the page'),
  'POST /auth/device/key': operation('Account', 'everybody', 'The key, once, after it was approved'),
  'GET /auth/device/:id': operation('Account', 'page', 'Which program a code is of'),
  'POST /auth/device/:id': operation('Account', 'page', 'Approves or refuses a program', { 204: {} }),
  'GET /auth/keys': operation('Account', 'account', 'API keys of the account'),
  'POST /auth/keys': operation('Account', 'page', 'Makes an API key, which is shown once'),
  'DELETE /auth/keys/:id': operation('Account', 'account', 'Revokes an API key'),
};
