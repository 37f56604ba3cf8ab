-- Records that all slots have heard of a horizon.
-- ARGV: horizon
redis.call('SET', SLOTS, later(redis.call('GET', SLOTS), ARGV[1]))
return 1
