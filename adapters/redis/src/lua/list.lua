-- Reads the first visible tasks of some statuses, the highest revision first. Returns the account's
-- revision, its horizon, the ids as one text, and the values.
-- ARGV: now, revision that all are below or '', revision that all are above, count, digits of the
-- statuses
local meta = redis.call('HMGET', META, 'r', 'h')
local instant = later(horizon_of(meta[2]), ARGV[1])
local count = tonumber(ARGV[4])
local size = math.min(count, 100)
local lower = '(' .. ARGV[3] .. '~'

-- One descending cursor for each status, read in chunks and merged.
local cursors = {}
for digit in string.gmatch(ARGV[5], '%d') do
  local upper = '+'
  if ARGV[2] ~= '' then upper = '(' .. ARGV[2] end
  cursors[#cursors + 1] = { key = order(tonumber(digit)), upper = upper, at = 1, chunk = {} }
end

local function peek(cursor)
  if cursor.chunk and cursor.at > #cursor.chunk then
    cursor.chunk =
      redis.call('ZREVRANGEBYLEX', cursor.key, cursor.upper, lower, 'LIMIT', 0, size)
    cursor.at = 1
    if #cursor.chunk == 0 then
      cursor.chunk = nil
    else
      cursor.upper = '(' .. cursor.chunk[#cursor.chunk]
    end
  end
  return cursor.chunk and cursor.chunk[cursor.at]
end

local function next_member()
  local best, from
  for _, cursor in ipairs(cursors) do
    local member = peek(cursor)
    if member and (not best or member > best) then best, from = member, cursor end
  end
  if not best then return nil end
  from.at = from.at + 1
  return best
end

local found, found_ids = {}, {}
while #found < count do
  local ids, revisions = {}, {}
  while #ids < math.min(count - #found, 1000) do
    local member = next_member()
    if not member then break end
    ids[#ids + 1] = string.sub(member, 20)
    revisions[#ids] = string.sub(member, 1, 19)
  end
  if #ids == 0 then break end
  for at, value in ipairs(redis.call('HMGET', TASKS, unpack(ids))) do
    if value and is_visible(value, instant) and is_of(value, 23, revisions[at]) then
      found[#found + 1] = value
      found_ids[#found] = ids[at]
    end
  end
end
return { meta[1], meta[2], table.concat(found_ids), found }
