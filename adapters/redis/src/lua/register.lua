-- Registers an account before something is written that stands for it.
-- ARGV: account, bound of its expiries or '', '1' to wake it
local account, bound = ARGV[1], ARGV[2]
if bound ~= '' then
  local entry = redis.call('HGET', BOUNDS, account)
  local known = entry and string.sub(entry, 1, 22)
  if known and known <= bound then
    bound = known
  else
    if known then redis.call('ZREM', EXPIRY, known .. account) end
    redis.call('ZADD', EXPIRY, 0, bound .. account)
  end
  redis.call('HSET', BOUNDS, account, bound .. tick())
end
if ARGV[3] == '1' then wake(account) end
return { redis.call('GET', HORIZON), floor() }
