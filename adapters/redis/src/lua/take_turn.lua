-- Takes turns between the accounts of the ready queue.

local function make_all_ready(key, from, to)
  while true do
    local members = redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, 100)
    for _, member in ipairs(members) do
      make_ready(string.sub(member, 23))
      -- In case its entry did not list this place.
      redis.call('ZREM', key, member)
    end
    if #members < 100 then return end
  end
end

-- The first ready account. If an account is there under two tickets, only the one in its entry
-- counts.
local function first_ready(passed_over)
  local from = 0
  while true do
    local first = redis.call('ZRANGE', READY, from, from)[1]
    if not first then return nil end
    local ticket, account = string.sub(first, 1, 16), string.sub(first, 17)
    local entry = queue_entry(account)
    if entry and entry.ticket ~= ticket then
      redis.call('ZREM', READY, first)
    elseif passed_over[account] then
      from = from + 1
    else
      return first, account, entry
    end
  end
end

-- Moves the first ready account to the end of the queue, passing over the accounts in ARGV from a
-- position on. Returns the horizon, the account (or false), and the version of its entry.
local function take_turn(now, first_passed_over)
  local horizon = redis.call('GET', HORIZON)
  local instant = later(now, horizon)
  make_all_ready(PARKED_PAST, '-', '(' .. now)
  make_all_ready(PARKED_UNTIL, '-', '(' .. instant .. '\255')
  make_all_ready(PARKED_UNLESS_BEFORE, '(' .. instant .. '\255', '+')

  local passed_over = {}
  for at = first_passed_over, #ARGV do passed_over[ARGV[at]] = true end
  local first, account, entry = first_ready(passed_over)
  if not first then return horizon, false, '' end
  local ticket, version = next_number(), entry and entry.version or next_number()
  redis.call('ZREM', READY, first)
  redis.call('ZADD', READY, 0, ticket .. account)
  redis.call('HSET', QUEUE, account, version .. ' ' .. ticket .. ' - - -')
  return horizon, account, version
end
