-- Marks the account as parked, if it still has the revision at which it had nothing to claim. From
-- now on, a writer that may change that makes the account ready first; the new revision refuses
-- writers that read the account before.
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
