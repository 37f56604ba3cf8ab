-- Makes an account safe to use after a failover that may have lost its latest writes: its next
-- write makes it ready, and its revisions continue above those that may have been given out and
-- lost.
-- ARGV: gap
if not redis.call('HGET', META, 'r') then return { '', '', 0, '0' } end
redis.call('HINCRBY', META, 'r', ARGV[1])
redis.call('HDEL', META, 'q')
local meta = redis.call('HMGET', META, 'r', 'h', 'b')
local bound = meta[3]
for status = 0, 4 do
  local first = redis.call('ZRANGE', expiry(status), 0, 0)[1]
  local expires = first and string.sub(first, 1, 22)
  if expires and (not bound or expires < bound) then bound = expires end
end
return { bound or '', horizon_of(meta[2]) or '', redis.call('HLEN', TASKS), meta[1] }
