import type { ReadinessCheckName } from '@blyan/api';
import type { AppError, Chain, Coordinator } from '@blyan/interface';
import type { AnswerSlots } from './answer-slots.ts';
import type { Access } from './auth/access.ts';
import type { Metering } from './metering/metering.ts';

/** Why a check fails: a sentence, and the code of the error where there is one. */
export interface Unready {
  readonly reason: string;
  readonly code: string;
}

export interface ReadinessCheck {
  readonly name: ReadinessCheckName;
  /** Null: it does not fail. Asks nobody, so that probes cost nothing. */
  readonly unready: () => Unready | null;
}

export interface ReadinessDeps {
  readonly slots: AnswerSlots;
  readonly coordinator: Coordinator;
  readonly chain: Chain | null;
  readonly metering: Metering | null;
  readonly access: Access;
}

/** What has to be so before this gateway promises answers, the reason that goes before the others first. */
export function readinessChecks({
  slots,
  coordinator,
  chain,
  metering,
  access,
}: ReadinessDeps): readonly ReadinessCheck[] {
  const said = (reason: string | null): Unready | null => (reason === null ? null : { reason, code: 'not_ready' });
  return [
    { name: 'accepting', unready: () => said(slots.isDraining ? 'This gateway is shutting down.' : null) },
    // A node whose chain has stopped still answers, but it promises nothing more: it is not ready before it was seen to.
    ...(chain === null ? [] : [{ name: 'chain' as const, unready: () => failed(chain.failure) }]),
    { name: 'model', unready: () => said(coordinator.notReady()) },
    ...(metering === null ? [] : [{ name: 'ledger' as const, unready: () => failed(metering.failure) }]),
    ...(access.sharesStore ? [{ name: 'accounts' as const, unready: () => failed(access.failure) }] : []),
  ];
}

function failed(error: AppError | null): Unready | null {
  return error && { reason: error.message, code: error.code };
}
