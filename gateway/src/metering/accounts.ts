import { CREDIT } from '@blyan/api';
import { GUEST_ACCOUNT, type LedgerAccount } from '@blyan/interface';

/** Where what is paid for answers goes. */
export const REVENUE_ACCOUNT = 'revenue';

/** Accounts as the gateway opens them: that of guests may owe, those of people may not. */
export function accountOf(id: string): LedgerAccount {
  const kind = id === GUEST_ACCOUNT ? 'guest' : id === REVENUE_ACCOUNT ? 'revenue' : 'user';
  return { id, kind, asset: CREDIT };
}
