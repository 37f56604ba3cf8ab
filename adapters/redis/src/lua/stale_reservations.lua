-- The floor, and the token and account of each reservation that is older than some seconds by the
-- server's clock.
-- ARGV: seconds
local found, now = {}, tonumber(redis.call('TIME')[1])
local all = redis.call('HGETALL', RESERVATIONS)
for at = 1, #all, 2 do
  local since, account = string.match(all[at + 1], '^(%d+) (.*)$')
  if not since then damaged(RESERVATIONS, all[at]) end
  if now - tonumber(since) > tonumber(ARGV[1]) then found[#found + 1] = { all[at], account } end
end
return { floor(), found }
