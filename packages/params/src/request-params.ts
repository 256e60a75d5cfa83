/** Most tokens of prompt and answer together, whatever a model's spec claims. */
export const MAX_SEQUENCE_TOKENS = 1_048_576;
/** Most sequences one node keeps KV for at a time. */
export const MAX_SEQUENCES = 256;
/** Milliseconds after which the KV of a sequence nobody stepped may be dropped. */
export const IDLE_SEQUENCE_MS = 60_000;

/** Bounds of a model: they bound every decoder of manifests, bitmaps and plans. */
export const MAX_LAYERS = 1_024;
export const MAX_EXPERTS_PER_LAYER = 4_096;
export const MAX_BLOCKS = 65_536;
/** Most stages of a plan. */
export const MAX_STAGES = 64;
/** Most holders a plan lists per expert. */
export const MAX_EXPERT_HOLDERS = 8;
/** Most nodes a plan lists in its fallback order. */
export const MAX_FALLBACKS = 16;
