-- Reads what an account has to hand out: the visible task in progress with the lowest revision, the
-- visible received one with the lowest, whether there is room in the lane; and where there is none,
-- when there will be by expiry; and the latest expiry of those passed over.
local function read_work(now, known, width, look)
  local meta = redis.call('HMGET', META, 'r', 'u', 'h', 'q', 'b', 'c')
  local instant = later(later(horizon_of(meta[3]), now), known)
  local unless_before = ''

  local function first(status)
    local from = '-'
    while true do
      local chunk = redis.call('ZRANGEBYLEX', order(status), from, '+', 'LIMIT', 0, 16)
      for _, member in ipairs(chunk) do
        local id = string.sub(member, 20)
        local value = redis.call('HGET', TASKS, id)
        if value and is_of(value, 23, string.sub(member, 1, 19)) then
          if is_visible(value, instant) then return { id, value } end
          unless_before = later(unless_before, (header(value)))
        end
        from = '(' .. member
      end
      if #chunk < 16 then return false end
    end
  end

  local oldest = look == '1' and first(2)
  local received = first(1)
  local room, room_at = 1, ''
  if received and width ~= '' then
    local excess = redis.call('ZLEXCOUNT', expiry(2), after(instant), '+') - tonumber(width)
    if excess >= 0 then
      room = 0
      local last = redis.call('ZRANGEBYLEX', expiry(2), after(instant), '+', 'LIMIT', excess, 1)[1]
      if last then room_at = string.sub(last, 1, 22) end
    end
  end
  return { meta, instant, oldest, received, room, room_at, unless_before }
end
