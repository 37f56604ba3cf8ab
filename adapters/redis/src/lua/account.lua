-- The keys of an account: its metadata, its tasks by id, a horizon (the shared one, or in a cluster
-- the one of the slot), and for each of the five statuses the order (revision and id) and the
-- expiries (instant and id) of its tasks.
--
-- Fields of the metadata:
--   r  revision
--   u  latest update
--   h  horizon
--   q  '1' if the account is known to be in the ready queue
--   b  registered bound: no task expires earlier
--   c  number of writes
--   k  tokens of the latest writes
--   d  token of the last sweep, and how many tasks it dropped
local META, TASKS = KEYS[1], KEYS[2]

local function order(status) return KEYS[4 + status] end
local function expiry(status) return KEYS[9 + status] end

-- Instants are strings of one width: the later one is the greater string.
local function later(a, b)
  if not a or (b and b > a) then return b end
  return a
end

-- The later of the account's own horizon and the one in its third key.
local function horizon_of(own) return later(own, redis.call('GET', KEYS[3])) end

-- Numbers above 2^53 stay strings: the longer one is the higher; of equal length, the greater.
local function is_higher(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- The header of a task's value, before the JSON: expiry, revision, status.
local function header(value)
  return string.sub(value, 1, 22), string.sub(value, 23, 41), tonumber(string.sub(value, 42, 42))
end

-- A damaged value counts as visible, so that the caller reads it and reports the damage.
local function is_visible(value, instant)
  return #value < 42 or string.sub(value, 1, 22) > instant
end

-- Whether an entry of the order or of the expiries belongs to a value: both hold `part`. It does
-- not if the task was removed by hand and submitted again. A damaged value counts as a match.
local function is_of(value, from, part)
  if string.sub(value, from, from + #part - 1) == part then return true end
  return not string.find(string.sub(value, 1, 42), '^' .. string.rep('%d', 42))
end

local function unlink(id, value)
  local expires, revision, status = header(value)
  if not status or status > 4 then return end
  redis.call('ZREM', order(status), revision .. id)
  redis.call('ZREM', expiry(status), expires .. id)
end

-- The limit in an expiry key between due tasks (up to the instant) and visible ones (after it).
local function after(instant) return '(' .. instant .. '~' end
