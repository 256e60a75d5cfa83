export { GatewayError, type GatewayErrorCode } from './errors.ts';
export { createGateway, type Gateway } from './gateway.ts';
export { type HttpError, toHttpError } from './http-errors.ts';
export { type TopUp, topUp } from './metering/top-ups.ts';
export type { GatewayDeps, GatewayLedger, GatewayOptions, Listen } from './types.ts';
