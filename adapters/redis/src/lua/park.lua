-- Parks an account, unless it was made ready since its entry had this version. With no instant, the
-- account leaves the queue until a write makes it ready.
-- ARGV: account, version, and until when: after this `now`, from this instant, before this instant;
-- each may be ''
local account, entry = ARGV[1], queue_entry(ARGV[1])
if not entry or entry.version ~= ARGV[2] or entry.ticket == '-' then return 0 end
redis.call('ZREM', READY, entry.ticket .. account)
local words = {}
for at, key in ipairs({ PARKED_PAST, PARKED_UNTIL, PARKED_UNLESS_BEFORE }) do
  local instant = ARGV[2 + at]
  if instant ~= '' then redis.call('ZADD', key, 0, instant .. account) end
  words[at] = instant ~= '' and instant or '-'
end
if ARGV[3] .. ARGV[4] .. ARGV[5] == '' then
  redis.call('HDEL', QUEUE, account)
else
  redis.call('HSET', QUEUE, account, entry.version .. ' - ' .. table.concat(words, ' '))
end
return 1
