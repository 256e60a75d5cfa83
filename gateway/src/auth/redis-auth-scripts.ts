/**
 * What must happen at once, as Redis runs it (Lua, one script after the other). The account of a record is in its text, and with
 * it the name of the set that lists it; all names have one hash tag, so that a cluster keeps them together.
 *
 * KEYS: the record, the kind's records by creation, the kind's records by expiry. ARGV: beginning of the names of records, of
 * those of accounts, then what each script says.
 */
const COMMON = `
local record, born, ends = KEYS[1], KEYS[2], KEYS[3]
local function forget(id)
  local text = redis.call('GETDEL', ARGV[1] .. id)
  if text then
    local account = cjson.decode(text).account
    if account ~= '' then redis.call('ZREM', ARGV[2] .. account, id) end
  end
  redis.call('ZREM', born, id)
  redis.call('ZREM', ends, id)
  return text
end
local function keep(id, text, ttl, expires, account, created)
  if ttl == '' then
    redis.call('SET', record, text)
    redis.call('ZREM', ends, id)
  else
    redis.call('SET', record, text, 'PX', ttl)
    redis.call('ZADD', ends, expires, id)
  end
  redis.call('ZADD', born, created, id)
  if account == '' then return end
  local owned = ARGV[2] .. account
  local left = redis.call('PTTL', owned)
  redis.call('ZADD', owned, created, id)
  if ttl == '' then redis.call('PERSIST', owned)
  elseif left ~= -1 and left < tonumber(ttl) then redis.call('PEXPIRE', owned, ttl) end
end
`;

/** ARGV: id, text, life in milliseconds (empty: for ever), expiry, account, creation, now, most of the kind, whether the oldest gives way. */
export const PUT = `${COMMON}
local id, text, ttl, expires, account, created, now = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local most, givesWay = tonumber(ARGV[10]), ARGV[11]
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)) do forget(gone) end
if not redis.call('ZSCORE', born, id) and redis.call('ZCARD', born) >= most then
  if givesWay == '0' then return 0 end
  forget(redis.call('ZRANGE', born, 0, 0)[1])
end
keep(id, text, ttl, expires, account, created)
return 1
`;

/** ARGV as of PUT, up to now, then the text that is to be replaced. */
export const REPLACE = `${COMMON}
local before = redis.call('GET', record)
if before ~= ARGV[10] then return 0 end
local expires = cjson.decode(before).expiresAtMs
if type(expires) == 'number' and expires <= tonumber(ARGV[9]) then return 0 end
keep(ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
return 1
`;

/** ARGV: id. */
export const TAKE = `${COMMON}
return forget(ARGV[3])
`;
