-- Lets go of an account without tasks after a while, if it is still at the revision at which the
-- floor was raised to it.
-- ARGV: expected revision, how long it is kept (ms)
if redis.call('HGET', META, 'r') ~= ARGV[1] or redis.call('HLEN', TASKS) > 0 then return 0 end
redis.call('HINCRBY', META, 'r', 1)
redis.call('HDEL', META, 'q', 'b')
redis.call('PEXPIRE', META, ARGV[2])
return 1
