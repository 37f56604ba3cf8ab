-- Raises the horizon to an instant, unless it is already there or later. Returns the horizon, the
-- floor, whether every slot has this horizon, and how many accounts may have tasks that expire by
-- it.
-- ARGV: instant
local horizon = later(redis.call('GET', HORIZON), ARGV[1])
redis.call('SET', HORIZON, horizon)
local slots = redis.call('GET', SLOTS)
local slots_have_it = slots and slots >= horizon and 1 or 0
return { horizon, floor(), slots_have_it, redis.call('ZLEXCOUNT', EXPIRY, '-', '(' .. horizon .. '\255') }
