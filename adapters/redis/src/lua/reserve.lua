-- Reserves a place in a limited store. Returns the token of the place; 'busy' if other submissions
-- have reserved the last places; or 'full' and how often the number of tasks has changed.
-- ARGV: account, limit of the store
local held, limit = tonumber(redis.call('GET', TOTAL) or '0'), tonumber(ARGV[2])
if held >= limit then return 'full ' .. (redis.call('GET', CHANGES) or '0') end
if held + redis.call('HLEN', RESERVATIONS) >= limit then return 'busy' end
local token = next_number()
redis.call('HSET', RESERVATIONS, token, redis.call('TIME')[1] .. ' ' .. ARGV[1])
return token
