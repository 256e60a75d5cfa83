/**
 * Prices of a gateway whose operator says nothing, as `MODEL=PROMPT/COMPLETION/CACHED`: credits for a million tokens of a prompt, of
 * an answer, and of a prompt that is kept from before, for every model (`*`).
 */
export const DEFAULT_PRICES: readonly string[] = ['*=0.5/1.5/0.125'];
