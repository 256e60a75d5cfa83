/** Paths at which the gateway answers with its web page, which shows what belongs there. `:name` stands for one segment. */
export const PAGE_PATHS = Object.freeze({
  chat: '/',
  network: '/network',
  node: '/nodes/:peerId',
  explorer: '/explorer',
  explorerBlock: '/explorer/blocks/:height',
  explorerRecord: '/explorer/records/:hash',
  explorerAccount: '/explorer/accounts/:id',
  account: '/account',
});
