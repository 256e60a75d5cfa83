export { hasPostgres, type PostgresServer, startPostgres } from './postgres.ts';
export { hasRedis, type RedisServer, startRedis } from './redis.ts';
