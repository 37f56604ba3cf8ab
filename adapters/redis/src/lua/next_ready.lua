-- The first account of the ready queue. It gets a new ticket, at the end.
-- ARGV: now
local now, horizon = ARGV[1], redis.call('GET', HORIZON)
local instant = later(now, horizon)

local function make_all_ready(key, from, to)
  while true do
    local members = redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, 100)
    for _, member in ipairs(members) do make_ready(string.sub(member, 23)) end
    if #members < 100 then return end
  end
end

make_all_ready(PARKED_PAST, '-', '(' .. now)
make_all_ready(PARKED_UNTIL, '-', '(' .. instant .. '\255')
make_all_ready(PARKED_UNLESS_BEFORE, '(' .. instant .. '\255', '+')

local first = redis.call('ZRANGE', READY, 0, 0)[1]
if not first then return { horizon, floor(), false, '' } end
local account, ticket = string.sub(first, 17), next_number()
local entry = queue_entry(account)
redis.call('ZREM', READY, first)
redis.call('ZADD', READY, 0, ticket .. account)
redis.call('HSET', QUEUE, account, entry.version .. ' ' .. ticket .. ' - - -')
return { horizon, floor(), account, entry.version }
