-- Reads what an account has to claim. Returns:
--   the metadata; the instant that decides what is visible
--   the visible task in progress with the lowest revision, if asked for
--   the visible received task with the lowest revision
--   whether the lane has room; if not, when an expiry makes room
--   the latest expiry of the invisible tasks that were passed over
local function read_work(now, known, limit, takes_over)
  local meta = redis.call('HMGET', META, 'r', 'u', 'h', 'q', 'b', 'c')
  local instant = later(later(horizon_of(meta[3]), now), known)
  local hidden_until = ''

  local function first(status)
    local from = '-'
    while true do
      local chunk = redis.call('ZRANGEBYLEX', order(status), from, '+', 'LIMIT', 0, 16)
      for _, member in ipairs(chunk) do
        local id = string.sub(member, 20)
        local value = redis.call('HGET', TASKS, id)
        if value and is_of(value, 23, string.sub(member, 1, 19)) then
          if is_visible(value, instant) then return { id, value } end
          hidden_until = later(hidden_until, (header(value)))
        end
        from = '(' .. member
      end
      if #chunk < 16 then return false end
    end
  end

  local in_progress = takes_over == '1' and first(2)
  local received = first(1)
  local room, room_at = 1, ''
  if received and limit ~= '' then
    local excess = redis.call('ZLEXCOUNT', expiry(2), after(instant), '+') - tonumber(limit)
    if excess >= 0 then
      room = 0
      local last = redis.call('ZRANGEBYLEX', expiry(2), after(instant), '+', 'LIMIT', excess, 1)[1]
      if last then room_at = string.sub(last, 1, 22) end
    end
  end
  return { meta, instant, in_progress, received, room, room_at, hidden_until }
end
