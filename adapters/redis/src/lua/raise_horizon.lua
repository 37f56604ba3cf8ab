-- Moves the horizon to an instant, if it was before.
-- ARGV: now
-- Gives, besides, whether all slots have heard of it, and how many accounts may have what expires by it.
local horizon = later(redis.call('GET', HORIZON), ARGV[1])
redis.call('SET', HORIZON, horizon)
local slots = redis.call('GET', SLOTS)
local heard = slots and slots >= horizon and 1 or 0
return { horizon, floor(), heard, redis.call('ZLEXCOUNT', EXPIRY, '-', '(' .. horizon .. '\255') }
