import { createInterface } from 'node:readline';
import type { CliContext } from '../context.ts';
import { printableText, say } from '../output.ts';
import type { Conversation } from './conversation.ts';
import { MultiLine } from './multi-line.ts';
import { summaryOf } from './summary.ts';

const HELP =
  '/bye leaves, /clear forgets the conversation, """ begins and ends a prompt of several lines, Ctrl-C stops an answer';

/** Asks once and shows the answer as it comes. */
export async function answerOnce(
  context: CliContext,
  conversation: Conversation,
  prompt: string,
  signal: AbortSignal,
): Promise<void> {
  const answer = await conversation.ask(prompt, (text) => context.stdout.write(printableText(text)), signal);
  context.stdout.write('\n');
  say(context, summaryOf(answer));
}

/** The chat at a terminal, until `/bye`, Ctrl-D, or Ctrl-C on an empty line. */
export async function chat(context: CliContext, conversation: Conversation): Promise<void> {
  const lines = createInterface({
    input: context.stdin,
    output: context.stderr as NodeJS.WritableStream,
    prompt: '> ',
  });
  const multiLine = new MultiLine();
  let answering: AbortController | null = null;
  lines.on('SIGINT', () => {
    if (answering !== null) answering.abort();
    else if (lines.line === '' && !multiLine.isOpen) lines.close();
    else {
      multiLine.reset();
      say(context, '');
      lines.write(null, { ctrl: true, name: 'u' });
      lines.setPrompt('> ');
      lines.prompt();
    }
  });
  const close = () => lines.close();
  context.signal.addEventListener('abort', close, { once: true });
  say(context, HELP);
  lines.prompt();
  for await (const line of lines) {
    const prompt = multiLine.push(line);
    if (prompt === '/bye') break;
    if (prompt === '/clear') conversation.clear();
    else if (prompt === '/help' || prompt === '/?') say(context, HELP);
    else if (prompt !== null && prompt.trim() !== '') {
      answering = new AbortController();
      try {
        await answerOnce(context, conversation, prompt, AbortSignal.any([answering.signal, context.signal]));
      } catch (error) {
        say(context, `error: ${(error as Error).message}`);
      }
      answering = null;
    }
    lines.setPrompt(multiLine.isOpen ? '. ' : '> ');
    if (!context.signal.aborted) lines.prompt();
  }
  context.signal.removeEventListener('abort', close);
  lines.close();
}
