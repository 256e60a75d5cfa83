import { sign, verify } from '@blyan/crypto';
import { PLAN_SIGNATURE_DOMAIN } from '@blyan/params';
import type { Plan } from './plan.ts';
import { planBytes } from './plan-bytes.ts';

/** The plan with its maker's signature over `planBytes` under the domain `blyan/plan/1`. */
export function signPlan(plan: Plan, secretSeed: Uint8Array): Plan {
  return { ...plan, signature: sign(PLAN_SIGNATURE_DOMAIN, planBytes(plan), secretSeed) };
}

/** Whether the plan carries a signature of this key over exactly its content. */
export function verifyPlan(plan: Plan, publicKey: Uint8Array): boolean {
  return plan.signature !== undefined && verify(PLAN_SIGNATURE_DOMAIN, planBytes(plan), plan.signature, publicKey);
}
