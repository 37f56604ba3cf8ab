-- The account whose turn it is. It gets a place at the end.
-- ARGV: now
local now, horizon = ARGV[1], redis.call('GET', HORIZON)
local instant = later(now, horizon)

local function wake_all(key, from, to)
  while true do
    local members = redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, 100)
    for _, member in ipairs(members) do wake(string.sub(member, 23)) end
    if #members < 100 then return end
  end
end

wake_all(PAST, '-', '(' .. now)
wake_all(UNTIL, '-', '(' .. instant .. '\255')
wake_all(BEFORE, '(' .. instant .. '\255', '+')

local first = redis.call('ZRANGE', AWAKE, 0, 0)[1]
if not first then return { horizon, floor(), false, '' } end
local account, ticket = string.sub(first, 17), tick()
local entry = turn(account)
redis.call('ZREM', AWAKE, first)
redis.call('ZADD', AWAKE, 0, ticket .. account)
redis.call('HSET', TURNS, account, entry.stamp .. ' ' .. ticket .. ' - - -')
return { horizon, floor(), account, entry.stamp }
