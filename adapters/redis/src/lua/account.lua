-- The keys of an account: its meta data, its tasks by id, the horizon of all accounts, or of the slot, and for
-- each of the five statuses their order (revision and id) and their expiry (instant and id).
--
-- Its meta data: `r` revision, `u` latest update, `h` horizon, `q` '1' if it is known to be in the ready
-- queue, `b` the registered bound of its expiries, `c` how many writes there were, `k` the tokens of the
-- last ones, `d` the token of the last sweep and how many tasks it dropped.
local META, TASKS = KEYS[1], KEYS[2]

local function order(status) return KEYS[4 + status] end
local function expiry(status) return KEYS[9 + status] end

-- Instants are texts of one width: the later is the greater.
local function later(a, b)
  if not a or (b and b > a) then return b end
  return a
end

-- The account's horizon: the later of its own and of what it shares with others.
local function horizon_of(own) return later(own, redis.call('GET', KEYS[3])) end

-- Whole numbers beyond 2^53 stay texts: the longer is the greater, and of one length the greater.
local function is_higher(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- What stands before the JSON of a task: its expiry, its revision, its status.
local function header(value)
  return string.sub(value, 1, 22), string.sub(value, 23, 41), tonumber(string.sub(value, 42, 42))
end

-- What is no value of a task is taken for visible, so that whoever reads it tells of it.
local function is_visible(value, instant)
  return #value < 42 or string.sub(value, 1, 22) > instant
end

-- Whether a value is that of an entry of the order or of the expiry, by what both begin with. Of a task
-- that was removed by hand, and is there again, an entry may be left.
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

-- Bounds of expiries: past an instant it is visible then, up to it it is due.
local function after(instant) return '(' .. instant .. '~' end
