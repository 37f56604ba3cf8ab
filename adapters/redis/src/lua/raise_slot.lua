-- Raises the slot's horizon to an instant, unless it is already there or later.
-- ARGV: instant
local horizon = redis.call('GET', HORIZON)
if not horizon or horizon < ARGV[1] then redis.call('SET', HORIZON, ARGV[1]) end
return 1
