import type { ChatLogprobs, CompletionLogprobs } from '@blyan/api';
import type { TokenLogprob } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerToken } from './answer.ts';

/** What OpenAI reports for a probability of zero; JSON has no infinity. */
const ZERO_PROBABILITY = -9999;

const finite = (logprob: number) => (Number.isFinite(logprob) ? logprob : ZERO_PROBABILITY);

const escaped = (bytes: Uint8Array) => Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** The token as text; one that is no whole UTF-8 text as escaped bytes after `prefix`. */
function tokenText(bytes: Uint8Array, prefix: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return prefix + escaped(bytes);
  }
}

/** Log probabilities in the form of chat completions. */
export function chatLogprobs(tokens: readonly AnswerToken[], tokenizer: Tokenizer): ChatLogprobs {
  const entry = ({ tokenId, logprob }: TokenLogprob) => {
    const bytes = tokenizer.tokenBytes(tokenId);
    return { token: tokenText(bytes, ''), logprob: finite(logprob), bytes: Array.from(bytes) };
  };
  const content = tokens.flatMap((token) =>
    token.logprob === undefined
      ? []
      : [{ ...entry(token.logprob), top_logprobs: (token.topLogprobs ?? []).map(entry) }],
  );
  return { content, refusal: null };
}

/**
 * Log probabilities in the form of text completions. The chosen token is always among the alternatives, so there may
 * be one more than asked for.
 */
export function completionLogprobs(
  tokens: readonly AnswerToken[],
  tokenizer: Tokenizer,
  alternatives: number,
): CompletionLogprobs {
  const text = (tokenId: number) => tokenText(tokenizer.tokenBytes(tokenId), 'bytes:');
  const chosen = tokens.flatMap((token) => (token.logprob === undefined ? [] : [{ ...token, logprob: token.logprob }]));
  const top = chosen.map(({ logprob, topLogprobs = [] }) =>
    Object.fromEntries([...topLogprobs, logprob].map((one) => [text(one.tokenId), finite(one.logprob)])),
  );
  return {
    tokens: chosen.map(({ tokenId }) => text(tokenId)),
    token_logprobs: chosen.map(({ logprob }) => finite(logprob.logprob)),
    top_logprobs: alternatives > 0 ? top : null,
    text_offset: chosen.map(({ textStart }) => textStart),
  };
}
