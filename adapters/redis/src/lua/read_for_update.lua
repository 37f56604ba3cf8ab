-- Reads what the decision on a submission or an event needs.
-- ARGV: now, known horizon or '', id, '1' to count the open tasks, '1' to count the tasks in
-- progress
local meta = redis.call('HMGET', META, 'r', 'u', 'h', 'q', 'b', 'c')
local instant = later(later(horizon_of(meta[3]), ARGV[1]), ARGV[2])
local open, in_progress = 0, 0
if ARGV[4] == '1' then
  for status = 0, 2 do
    open = open + redis.call('ZLEXCOUNT', expiry(status), after(instant), '+')
  end
end
if ARGV[5] == '1' then in_progress = redis.call('ZLEXCOUNT', expiry(2), after(instant), '+') end
return { meta, instant, redis.call('HGET', TASKS, ARGV[3]), open, in_progress }
