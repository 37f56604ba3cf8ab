-- What is shared by all accounts: the horizon, the floor of revisions, a counter for stamps and
-- tickets; whose turn it is; who has something that expires; the places of a limited store; and the
-- primaries for which all that was last made sure of.
local HORIZON, FLOOR, COUNTER = KEYS[1], KEYS[2], KEYS[3]
local TURNS, AWAKE, PAST, UNTIL, BEFORE = KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local BOUNDS, EXPIRY, DUE = KEYS[9], KEYS[10], KEYS[11]
local HELD, TOTAL, PENDING = KEYS[12], KEYS[13], KEYS[14]
local EPOCH = KEYS[15]

local function later(a, b)
  if not a or (b and b > a) then return b end
  return a
end

local function above(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

local function tick()
  redis.call('INCR', COUNTER)
  local count = redis.call('GET', COUNTER)
  return string.rep('0', 16 - #count) .. count
end

local function floor() return redis.call('GET', FLOOR) or '0' end

-- An account in turn is either awake, with a ticket, or asleep until instants by a clock.
local function turn(account)
  local entry = redis.call('HGET', TURNS, account)
  if not entry then return nil end
  local stamp, ticket, past, till, before =
    string.match(entry, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { stamp = stamp, ticket = ticket, past = past, till = till, before = before }
end

local function forget_sleep(account, entry)
  if entry.past ~= '-' then redis.call('ZREM', PAST, entry.past .. account) end
  if entry.till ~= '-' then redis.call('ZREM', UNTIL, entry.till .. account) end
  if entry.before ~= '-' then redis.call('ZREM', BEFORE, entry.before .. account) end
end

-- Wakes an account, or keeps it awake in its place: the new stamp keeps off whoever wants to put it
-- to sleep for what was before.
local function wake(account)
  local entry = turn(account)
  local ticket = entry and entry.ticket ~= '-' and entry.ticket
  if entry and not ticket then forget_sleep(account, entry) end
  if not ticket then
    ticket = tick()
    redis.call('ZADD', AWAKE, 0, ticket .. account)
  end
  redis.call('HSET', TURNS, account, tick() .. ' ' .. ticket .. ' - - -')
end

-- Registers a bound of an account's expiries, or a lower one that is known. The new stamp keeps off
-- whoever wants to strike it off for what was before.
local function bind(account, bound)
  local entry = redis.call('HGET', BOUNDS, account)
  local known = entry and string.sub(entry, 1, 22)
  if known and known <= bound then
    bound = known
  else
    if known then redis.call('ZREM', EXPIRY, known .. account) end
    redis.call('ZADD', EXPIRY, 0, bound .. account)
  end
  redis.call('HSET', BOUNDS, account, bound .. tick())
end
