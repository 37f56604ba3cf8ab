-- Lets Redis delete an account without tasks after a time, if it still has the revision to which
-- the floor was raised.
-- ARGV: expected revision, time to keep it (ms)
if redis.call('HGET', META, 'r') ~= ARGV[1] or redis.call('HLEN', TASKS) > 0 then return 0 end
redis.call('HINCRBY', META, 'r', 1)
redis.call('HDEL', META, 'q', 'b')
redis.call('PEXPIRE', META, ARGV[2])
return 1
