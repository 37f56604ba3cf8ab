-- Reads the first visible tasks of some statuses, by revision, the highest first.
-- ARGV: now, revision that all are below or '', revision that all are above, count, statuses
local meta = redis.call('HMGET', META, 'r', 'h')
local instant = later(meta[2], ARGV[1])
local count = tonumber(ARGV[4])
local size = math.min(count, 100)
local lower = '(' .. ARGV[3] .. '~'

-- A descending sequence for each status, read in chunks.
local sequences = {}
for digit in string.gmatch(ARGV[5], '%d') do
  local upper = '+'
  if ARGV[2] ~= '' then upper = '(' .. ARGV[2] end
  sequences[#sequences + 1] = { key = order(tonumber(digit)), upper = upper, at = 1, chunk = {} }
end

local function peek(sequence)
  if sequence.chunk and sequence.at > #sequence.chunk then
    sequence.chunk =
      redis.call('ZREVRANGEBYLEX', sequence.key, sequence.upper, lower, 'LIMIT', 0, size)
    sequence.at = 1
    if #sequence.chunk == 0 then
      sequence.chunk = nil
    else
      sequence.upper = '(' .. sequence.chunk[#sequence.chunk]
    end
  end
  return sequence.chunk and sequence.chunk[sequence.at]
end

local function next_id()
  local best, from
  for _, sequence in ipairs(sequences) do
    local member = peek(sequence)
    if member and (not best or member > best) then best, from = member, sequence end
  end
  if not best then return nil end
  from.at = from.at + 1
  return string.sub(best, 20)
end

local found = {}
while #found < count do
  local ids = {}
  while #ids < math.min(count - #found, 1000) do
    local id = next_id()
    if not id then break end
    ids[#ids + 1] = id
  end
  if #ids == 0 then break end
  for _, value in ipairs(redis.call('HMGET', TASKS, unpack(ids))) do
    if value and string.sub(value, 1, 22) > instant then found[#found + 1] = value end
  end
end
return { meta[1], found }
