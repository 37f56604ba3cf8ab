-- The keys that all accounts share:
--   horizon              the horizon
--   floor                a revision: no forgotten account had a higher one
--   counter              the last number that was used as a version or a ticket
--   queue                an entry for each account: version, ticket, the instants it is parked with
--   ready                the ready accounts, by ticket
--   parked-past          accounts parked until `now` is after an instant
--   parked-until         accounts parked until max(now, horizon) reaches an instant
--   parked-unless-before accounts parked while max(now, horizon) is not before an instant: a
--                        caller whose clock is behind may see a task that is expired to others
--   bounds, expiry       the bound of each account with its version; the accounts by bound
--   due                  the accounts in which a limited sweep has left due tasks
--   counts, total        the number of tasks of each account, and of all
--   changes              how often the total has changed
--   reservations         the reserved places of a limited store
--   replication-ids      the primaries at the last repair
--   slots                the horizon that every slot has
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

-- Fails for a value that no store can have written and that can't be rebuilt.
local function damaged(key, field)
  error({ err = 'DAMAGED what is in ' .. key .. ' of ' .. field })
end

local function floor() return redis.call('GET', FLOOR) or '0' end

-- The entry of an account in the queue: ready with a ticket, or parked with instants.
local function queue_entry(account)
  local entry = redis.call('HGET', QUEUE, account)
  if not entry then return nil end
  local version, ticket, past, until_, before =
    string.match(entry, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  -- A damaged entry is written again.
  if not version then return nil end
  return { version = version, ticket = ticket, past = past, until_ = until_, before = before }
end

local function unpark(account, entry)
  if entry.past ~= '-' then redis.call('ZREM', PARKED_PAST, entry.past .. account) end
  if entry.until_ ~= '-' then redis.call('ZREM', PARKED_UNTIL, entry.until_ .. account) end
  if entry.before ~= '-' then redis.call('ZREM', PARKED_UNLESS_BEFORE, entry.before .. account) end
end

-- Makes an account ready; one that is ready keeps its ticket. The new version stops a claim that
-- read the account before from parking it.
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

-- Registers a bound for an account, unless one as early is registered. The new version stops a
-- sweep that read the account before from removing it.
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
