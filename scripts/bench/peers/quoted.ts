/**
 * llama.cpp over two rpc-servers of one thread each, the bench model in Q8_0, tokens per second on a quiet machine of two cores. It is not
 * run here; these figures are context, and a goal where the goal is a multiple of them.
 */
export const LLAMA_RPC = {
  loopback: 269,
  at20ms: 12.0,
  /** Per token: both servers in turn, twice. */
  roundTrips: 4,
  /** Everything on one rpc-server: one round trip a token. */
  oneServerAt20ms: 41.5,
};
