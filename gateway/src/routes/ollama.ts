import {
  API_ROUTES,
  askedInChat,
  findUnsupportedInOllamaChat,
  findUnsupportedInOllamaGenerate,
  type OllamaCommon,
  type OllamaModel,
  type OllamaOptions,
  ollamaChatRequest,
  ollamaFormatOf,
  ollamaGenerateRequest,
  ollamaModels,
  ollamaShow,
  ollamaShowRequest,
} from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { ChatMessage } from '@blyan/model';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { SamplingFields } from '../answer-job.ts';
import { type Ask, assertSupported, chatTask } from '../chat-task.ts';
import type { GatewayContext } from '../context.ts';
import { streamAnswer, wholeAnswer } from '../serve-answer.ts';

/** What Ollama samples with unless it is told otherwise. */
const SAMPLING = { temperature: 0.8, top_k: 40, top_p: 0.9 };
/** Ollama's clients add it to names without one. */
const DEFAULT_TAG = ':latest';

/** `/api/chat`, `/api/generate`, `/api/tags`, `/api/ps`, `/api/show` and `/api/version`, for clients of Ollama. */
export const ollamaRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(API_ROUTES.ollamaChat.path, { schema: { body: ollamaChatRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInOllamaChat(body));
      if (body.messages.length === 0) return loaded(body.model, true, context);
      const prompt = body.messages.map(({ role, content = '', tool_calls, tool_name: name }) => ({
        ...{ role, content },
        ...(tool_calls?.length && { tool_calls: tool_calls.map((call) => ({ type: 'function', ...call })) }),
        ...(name !== undefined && { name }),
      }));
      const tools = askedInChat(body.tools);
      const ask = { ...common(body), route: 'ollama.chat', prompt, param: 'messages', tools } as const;
      const task = chatTask(ask, request, context);
      const isStream = body.stream ?? true;
      return isStream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });

    app.post(API_ROUTES.ollamaGenerate.path, { schema: { body: ollamaGenerateRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInOllamaGenerate(body));
      if (!body.prompt) return loaded(body.model, false, context);
      const turn: ChatMessage = { role: 'user', content: body.prompt };
      const conversation = body.system ? [{ role: 'system' as const, content: body.system }, turn] : [turn];
      const prompt = body.raw ? body.prompt : conversation;
      const task = chatTask({ ...common(body), route: 'ollama.generate', prompt, param: 'prompt' }, request, context);
      const isStream = body.stream ?? true;
      return isStream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });

    const list = { schema: { response: { 200: ollamaModels } } };
    app.get(API_ROUTES.ollamaTags.path, list, () => ({ models: models(context).map(listed) }));
    // What is served is in memory somewhere on the network, and does not leave by itself.
    app.get(API_ROUTES.ollamaPs.path, list, () => ({ models: models(context).map(running) }));
    app.get(API_ROUTES.ollamaVersion.path, () => ({ version: context.options.version }));
    app.post(
      API_ROUTES.ollamaShow.path,
      { schema: { body: ollamaShowRequest, response: { 200: ollamaShow } } },
      ({ body }) => {
        const model = context.catalog.resolve(untagged(body.model));
        const model_info = {
          ...{ 'general.architecture': FAMILY, 'general.basename': model.name },
          ...{ [`${FAMILY}.context_length`]: model.contextLength, [`${FAMILY}.vocab_size`]: model.vocabSize },
        };
        const capabilities = ['completion', ...(context.catalog.tokenizerOf(model).hasTools ? ['tools'] : [])];
        return { modified_at: dateOf(model), details: DETAILS, model_info, capabilities };
      },
    );
    done();
  };

/** A mixture of experts that lies in blocks on many machines: no file, no single precision. */
const FAMILY = 'blyan';
const DETAILS = {
  ...{ parent_model: '', format: 'tensorblock', family: FAMILY, families: [FAMILY] },
  ...{ parameter_size: '', quantization_level: '' },
};

const models = ({ coordinator }: GatewayContext) => coordinator.models();
const dateOf = ({ created }: ServedModel) => new Date(created * 1000).toISOString();

function listed(model: ServedModel): OllamaModel {
  const { name, root } = model;
  return { name, model: name, modified_at: dateOf(model), size: 0, digest: root, details: DETAILS };
}

function running({ name, root }: ServedModel): OllamaModel {
  const never = new Date(8.64e15).toISOString();
  return { name, model: name, size: 0, digest: root, details: DETAILS, expires_at: never, size_vram: 0 };
}

function common({ model, options = {}, format }: OllamaCommon) {
  const { num_predict: most = -1 } = options;
  const ask: Pick<Ask, 'idPrefix' | 'model' | 'maxTokens' | 'sampling' | 'format'> = {
    ...{ idPrefix: 'ollama-', model: untagged(model), maxTokens: most > 0 ? most : undefined },
    ...{ sampling: samplingOf(options), format: ollamaFormatOf(format) },
  };
  return ask;
}

function samplingOf({ temperature, top_k, top_p, seed, stop }: Partial<OllamaOptions>): SamplingFields {
  return {
    temperature: temperature ?? SAMPLING.temperature,
    top_k: top_k ?? SAMPLING.top_k,
    top_p: top_p ?? SAMPLING.top_p,
    ...{ seed, stop: typeof stop === 'string' ? [stop] : stop },
  };
}

function untagged(name: string): string {
  return name.endsWith(DEFAULT_TAG) ? name.slice(0, -DEFAULT_TAG.length) : name;
}

/** A request without a prompt loads a model at Ollama; what is served here is loaded. */
function loaded(name: string, isChat: boolean, { catalog, clock }: GatewayContext) {
  const model = untagged(name);
  catalog.resolve(model);
  const empty = isChat ? { message: { role: 'assistant', content: '' } } : { response: '' };
  return { model, created_at: new Date(clock.nowMs()).toISOString(), ...empty, done: true, done_reason: 'load' };
}
