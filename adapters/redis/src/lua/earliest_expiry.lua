-- The earliest expiry of the account's tasks; '' if it has none.
local bound = ''
for status = 0, 4 do
  local first = redis.call('ZRANGE', expiry(status), 0, 0)[1]
  if first then
    local expires = string.sub(first, 1, 22)
    if bound == '' or expires < bound then bound = expires end
  end
end
return bound
