-- What is shared by all accounts: the horizon, the floor of revisions, a counter for versions
-- and tickets; the queue of accounts; who has something that expires; the places of a limited store, and how
-- often the number of those taken has changed; the primaries for which all that was last made sure of; and
-- the horizon of which all slots have heard.
local HORIZON, FLOOR, COUNTER = KEYS[1], KEYS[2], KEYS[3]
local QUEUE, READY, PARKED_PAST, PARKED_UNTIL, PARKED_UNLESS_BEFORE = KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local BOUNDS, EXPIRY, DUE = KEYS[9], KEYS[10], KEYS[11]
local COUNTS, TOTAL, RESERVATIONS = KEYS[12], KEYS[13], KEYS[14]
local REPLICATION_IDS, CHANGES, SLOTS = KEYS[15], KEYS[16], KEYS[17]

local function later(a, b)
  if not a or (b and b > a) then return b end
  return a
end

local function is_higher(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

local function next_number()
  redis.call('INCR', COUNTER)
  local count = redis.call('GET', COUNTER)
  return string.rep('0', 16 - #count) .. count
end

-- What no store wrote, and can't be made up for.
local function damaged(key, field)
  error({ err = 'DAMAGED what is in ' .. key .. ' of ' .. field })
end

local function floor() return redis.call('GET', FLOOR) or '0' end

-- An account in the queue is either ready, with a ticket, or parked until instants by a clock.
local function queue_entry(account)
  local entry = redis.call('HGET', QUEUE, account)
  if not entry then return nil end
  local version, ticket, past, until_, before =
    string.match(entry, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  -- What can't be read is made anew.
  if not version then return nil end
  return { version = version, ticket = ticket, past = past, until_ = until_, before = before }
end

local function unpark(account, entry)
  if entry.past ~= '-' then redis.call('ZREM', PARKED_PAST, entry.past .. account) end
  if entry.until_ ~= '-' then redis.call('ZREM', PARKED_UNTIL, entry.until_ .. account) end
  if entry.before ~= '-' then redis.call('ZREM', PARKED_UNLESS_BEFORE, entry.before .. account) end
end

-- Makes an account ready, or keeps it so with its ticket: the new version keeps off whoever wants to park
-- it for what was before.
local function make_ready(account)
  local entry = queue_entry(account)
  local ticket = entry and entry.ticket ~= '-' and entry.ticket
  if entry and not ticket then unpark(account, entry) end
  if not ticket then
    ticket = next_number()
    redis.call('ZADD', READY, 0, ticket .. account)
  end
  redis.call('HSET', QUEUE, account, next_number() .. ' ' .. ticket .. ' - - -')
end

-- Registers a bound of an account's expiries, or a lower one that is known. The new version keeps off
-- whoever wants to strike it off for what was before.
local function register_bound(account, bound)
  local entry = redis.call('HGET', BOUNDS, account)
  local known = entry and string.match(entry, '^' .. string.rep('%d', 22))
  if known and known <= bound then
    bound = known
  else
    if known then redis.call('ZREM', EXPIRY, known .. account) end
    redis.call('ZADD', EXPIRY, 0, bound .. account)
  end
  redis.call('HSET', BOUNDS, account, bound .. next_number())
end
