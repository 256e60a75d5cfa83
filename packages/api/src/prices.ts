/**
 * Prices of a gateway whose operator says nothing, as `MODEL=PROMPT/COMPLETION`: credits for a million tokens of a prompt and of an
 * answer, for every model (`*`).
 */
export const DEFAULT_PRICES: readonly string[] = ['*=0.5/1.5'];
