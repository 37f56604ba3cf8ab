-- Reserves a place in a limited store: 'full' and how often that has changed, 'busy' while others have reserved the last ones, or
-- the token of the place.
-- ARGV: account, how many places there are
local held, limit = tonumber(redis.call('GET', TOTAL) or '0'), tonumber(ARGV[2])
if held >= limit then return 'full ' .. (redis.call('GET', CHANGES) or '0') end
if held + redis.call('HLEN', RESERVATIONS) >= limit then return 'busy' end
local token = next_number()
redis.call('HSET', RESERVATIONS, token, redis.call('TIME')[1] .. ' ' .. ARGV[1])
return token
