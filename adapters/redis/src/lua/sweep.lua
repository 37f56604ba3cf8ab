-- Raises the account's horizon and drops due tasks. The new revision refuses writers that read the
-- account before. Returns the number dropped, whether more are due, the new bound or '', the number
-- of tasks left, and the revision.
-- ARGV: horizon, how many to drop, floor of revisions, token
if not redis.call('HGET', META, 'r') then redis.call('HSET', META, 'r', ARGV[3]) end
redis.call('HINCRBY', META, 'r', 1)
local horizon = later(redis.call('HGET', META, 'h'), ARGV[1])
redis.call('HSET', META, 'h', horizon)

local left, dropped, more, bound = tonumber(ARGV[2]), 0, 0, false
-- A second send, after an answer that was lost, drops nothing and returns the first number again.
local token, count = string.match(redis.call('HGET', META, 'd') or '', '^(%S+) (%d+)$')
local is_repeat = token == ARGV[4]
if is_repeat then left = 0 end
for status = 0, 4 do
  local due = redis.call('ZRANGEBYLEX', expiry(status), '-', after(horizon), 'LIMIT', 0, left)
  for _, member in ipairs(due) do
    local id = string.sub(member, 23)
    local value = redis.call('HGET', TASKS, id)
    if value and is_of(value, 1, string.sub(member, 1, 22)) then
      unlink(id, value)
      redis.call('HDEL', TASKS, id)
    end
    redis.call('ZREM', expiry(status), member)
  end
  left, dropped = left - #due, dropped + #due
  if redis.call('ZRANGEBYLEX', expiry(status), '-', after(horizon), 'LIMIT', 0, 1)[1] then more = 1 end
  local next_one = redis.call('ZRANGEBYLEX', expiry(status), after(horizon), '+', 'LIMIT', 0, 1)[1]
  if next_one then
    local expires = string.sub(next_one, 1, 22)
    if not bound or expires < bound then bound = expires end
  end
end
if bound then redis.call('HSET', META, 'b', bound) else redis.call('HDEL', META, 'b') end
if is_repeat then dropped = tonumber(count) end
redis.call('HSET', META, 'd', ARGV[4] .. ' ' .. dropped)
return { dropped, more, bound or '', redis.call('HLEN', TASKS), redis.call('HGET', META, 'r') }
