import { ApiClient } from '@blyan/api';
import { NodeError, usageError } from '../../errors.ts';
import { Conversation } from '../chat/conversation.ts';
import { answerOnce, chat } from '../chat/repl.ts';
import type { CommandHandler } from '../command.ts';
import type { CliContext } from '../context.ts';
import { apiKeyFor } from '../credentials.ts';
import { findGateways } from '../find-gateway.ts';
import { printable, say } from '../output.ts';

const MAX_PROMPT_BYTES = 1 << 20;

async function readPrompt(context: CliContext): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of context.stdin) {
    size += (chunk as Buffer).length;
    if (size > MAX_PROMPT_BYTES) throw usageError('The prompt on stdin is longer than 1 MiB.');
    chunks.push(Buffer.from(chunk as Buffer));
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}

/** A terminal chats; anything else on stdin is one prompt, answered on stdout. */
export const run: CommandHandler = async (context, input) => {
  const gateways = await findGateways(context, input);
  const [baseUrl] = gateways;
  const onResume = (url: string) => say(context, `\n[the connection broke; the answer goes on at ${url}]`);
  const client = new ApiClient({ baseUrl: gateways, onResume, apiKeyOf: await apiKeyFor(context) });
  const { data } = await client.models(context.signal);
  const wanted = input.args[0];
  const model = wanted ?? data[0]?.id;
  if (model === undefined)
    throw new NodeError('ERR_NODE_MODEL_NOT_FOUND', `${baseUrl} serves no model yet.`, { kind: 'caller' });
  const conversation = new Conversation(client, model);
  if (context.stdin.isTTY !== true) {
    const prompt = await readPrompt(context);
    if (prompt === '') throw usageError('Nothing on stdin to ask. Type the prompt at a terminal, or pipe it in.');
    await answerOnce(context, conversation, prompt, context.signal);
    return context.signal.aborted ? 130 : 0;
  }
  say(context, `${printable(model)} at ${baseUrl}`);
  await chat(context, conversation);
};
