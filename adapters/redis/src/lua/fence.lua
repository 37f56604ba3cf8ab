-- Gives the account a new revision above the floor, so that writers that read it before are
-- refused. Returns the number of tasks, and the revision.
-- ARGV: floor of revisions
local revision = redis.call('HGET', META, 'r')
if not revision or is_higher(ARGV[1], revision) then redis.call('HSET', META, 'r', ARGV[1]) end
redis.call('HINCRBY', META, 'r', 1)
return { redis.call('HLEN', TASKS), redis.call('HGET', META, 'r') }
