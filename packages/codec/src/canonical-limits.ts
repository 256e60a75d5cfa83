/** Containers inside one another, the outermost included. */
export const MAX_DEPTH = 64;
/** Big integers are at least -2^256 and below 2^256. */
export const MAX_BIGNUM_BYTES = 32;
