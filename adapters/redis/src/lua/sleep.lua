-- Puts an account to sleep, unless it was woken since.
-- ARGV: account, stamp, instants to wake: past, until, before; '' for none
local account, entry = ARGV[1], turn(ARGV[1])
if not entry or entry.stamp ~= ARGV[2] or entry.ticket == '-' then return 0 end
redis.call('ZREM', AWAKE, entry.ticket .. account)
local words = {}
for at, key in ipairs({ PAST, UNTIL, BEFORE }) do
  local instant = ARGV[2 + at]
  if instant ~= '' then redis.call('ZADD', key, 0, instant .. account) end
  words[at] = instant ~= '' and instant or '-'
end
if ARGV[3] .. ARGV[4] .. ARGV[5] == '' then
  redis.call('HDEL', TURNS, account)
else
  redis.call('HSET', TURNS, account, entry.stamp .. ' - ' .. table.concat(words, ' '))
end
return 1
