-- Marks the account as parked: it had nothing to hand out, if it is still at the revision at which it was
-- read. Whoever writes has to make it ready from now on. The new revision fences off
-- those that read before.
-- ARGV: expected revision or '', horizon or '', floor of revisions
local revision = redis.call('HGET', META, 'r')
if (revision or '') ~= ARGV[1] then return 0 end
if not revision then redis.call('HSET', META, 'r', ARGV[3]) end
redis.call('HINCRBY', META, 'r', 1)
if ARGV[2] ~= '' then
  redis.call('HSET', META, 'h', later(redis.call('HGET', META, 'h'), ARGV[2]))
end
redis.call('HDEL', META, 'q')
return 1
