-- Writes a task if the account still has the revision at which it was read, and if the horizon is
-- not after the instant that the decision was made for.
-- ARGV:
--   1 expected revision, or ''      8 value of the task
--   2 revision                      9 how long to keep it (ms), or ''
--   3 latest update                10 grace (ms), or ''
--   4 horizon, or ''               11 token of this write
--   5 '1' if now in the queue      12 instant of the decision
--   6 registered bound, or ''      13 '1' if no task may have the id
--   7 id of the task               14 channel to notify if there may be work, or ''
-- Returns whether the task is written (now, or when this write arrived before), the number of
-- tasks, and the number of writes.
local meta = redis.call('HMGET', META, 'r', 'c', 'k')
local tokens, token = meta[3] or '', ARGV[11]
local writes = tonumber(meta[2] or '0') or 0
local horizon = horizon_of(false)
local is_refused = (meta[1] or '') ~= ARGV[1]
  or (horizon and horizon > ARGV[12])
  or (ARGV[13] == '1' and redis.call('HEXISTS', TASKS, ARGV[7]) == 1)
if is_refused then
  -- The task is written all the same if this write arrived before, and its answer was lost.
  local written = 0
  for at = 1, #tokens, #token do
    if string.sub(tokens, at, at + #token - 1) == token then written = 1 end
  end
  return { written, redis.call('HLEN', TASKS), writes }
end
local id, value = ARGV[7], ARGV[8]
local old = redis.call('HGET', TASKS, id)
redis.call('HSET', TASKS, id, value)
if old then unlink(id, old) end
local expires, revision, status = header(value)
redis.call('ZADD', order(status), 0, revision .. id)
redis.call('ZADD', expiry(status), 0, expires .. id)
writes = writes + 1
redis.call(
  'HSET', META, 'r', ARGV[2], 'u', ARGV[3], 'k', token .. string.sub(tokens, 1, 7 * #token),
  'c', string.format('%.0f', writes)
)
if ARGV[4] ~= '' then redis.call('HSET', META, 'h', ARGV[4]) end
if ARGV[5] == '1' then redis.call('HSET', META, 'q', '1') end
if ARGV[6] ~= '' then redis.call('HSET', META, 'b', ARGV[6]) end
redis.call('PERSIST', META)

-- Redis deletes all keys that hold tasks at the same instant, which only moves later.
if ARGV[9] ~= '' then
  local keep, left = tonumber(ARGV[9]), redis.call('PTTL', TASKS)
  if keep > left then
    local ttl = string.format('%.0f', keep + tonumber(ARGV[10]))
    redis.call('PEXPIRE', TASKS, ttl)
    for key = 4, 13 do redis.call('PEXPIRE', KEYS[key], ttl) end
  else
    local ttl = string.format('%.0f', left)
    redis.call('PEXPIRE', order(status), ttl)
    redis.call('PEXPIRE', expiry(status), ttl)
  end
end
-- Notifies waiting workers if there is a received task. This is a hint: if the user may not
-- publish, the write counts all the same.
if ARGV[14] ~= '' and redis.call('EXISTS', order(1)) == 1 then redis.pcall('PUBLISH', ARGV[14], '') end
return { 1, redis.call('HLEN', TASKS), writes }
