-- Moves the horizon to an instant, if it was before.
-- ARGV: now
local horizon = later(redis.call('GET', HORIZON), ARGV[1])
redis.call('SET', HORIZON, horizon)
return { horizon, floor() }
