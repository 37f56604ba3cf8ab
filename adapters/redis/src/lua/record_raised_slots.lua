-- Records a horizon that every slot has.
-- ARGV: horizon
redis.call('SET', SLOTS, later(redis.call('GET', SLOTS), ARGV[1]))
return 1
