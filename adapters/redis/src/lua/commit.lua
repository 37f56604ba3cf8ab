-- Writes a task, if the account is still at the revision at which it was read, and the horizon not past the
-- instant for which it was decided on.
-- ARGV: expected revision or '', revision, latest update, horizon or '', '1' if the account is known to be
-- ready, bound that was registered or '', id, value, how long it must be kept (ms), spare time (ms),
-- token of this write, instant, '1' if there must be nothing under the id, channel on which it is told if there
-- may be work now, or ''
-- Gives whether it is written, or was before; the number of tasks; and how many writes there were.
local meta = redis.call('HMGET', META, 'r', 'c', 'k')
local tokens, token = meta[3] or '', ARGV[11]
local writes = tonumber(meta[2] or '0') or 0
local horizon = horizon_of(false)
local is_refused = (meta[1] or '') ~= ARGV[1]
  or (horizon and horizon > ARGV[12])
  or (ARGV[13] == '1' and redis.call('HEXISTS', TASKS, ARGV[7]) == 1)
if is_refused then
  -- This may be the second time that it arrives, after an answer that was lost.
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

-- All that holds tasks is collected at one instant, which only ever moves away.
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
-- Whoever waits for work is told, if a task is received that could not be started before. It is a hint:
-- where a user may not publish, the write counts all the same.
if ARGV[14] ~= '' and redis.call('EXISTS', order(1)) == 1 then redis.pcall('PUBLISH', ARGV[14], '') end
return { 1, redis.call('HLEN', TASKS), writes }
