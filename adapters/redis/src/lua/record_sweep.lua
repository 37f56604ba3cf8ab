-- Records the result of sweeping an account, unless a write has registered something since.
-- ARGV: account, version of its bound, version of its entry as due, its new bound or '', '1' if
-- more is due, the bound under which it was found
local account, bound = ARGV[1], ARGV[4]
local entry = redis.call('HGET', BOUNDS, account) or ''
-- If the account is there under two bounds, only the one in its entry counts.
if string.sub(entry, 1, 22) ~= ARGV[6] then redis.call('ZREM', EXPIRY, ARGV[6] .. account) end
if entry ~= '' and string.sub(entry, 23) == ARGV[2] then
  redis.call('ZREM', EXPIRY, string.sub(entry, 1, 22) .. account)
  if bound == '' then
    redis.call('HDEL', BOUNDS, account)
  else
    redis.call('ZADD', EXPIRY, 0, bound .. account)
    redis.call('HSET', BOUNDS, account, bound .. next_number())
  end
end
if ARGV[5] == '1' then
  redis.call('ZADD', DUE, next_number(), account)
elseif (redis.call('ZSCORE', DUE, account) or '') == ARGV[3] then
  redis.call('ZREM', DUE, account)
end
return 1
