-- The reservations that are older than so many seconds by the server's clock: token and account.
-- ARGV: seconds
local found, now = {}, tonumber(redis.call('TIME')[1])
local all = redis.call('HGETALL', RESERVATIONS)
for at = 1, #all, 2 do
  local since, account = string.match(all[at + 1], '^(%d+) (.*)$')
  if not since then damaged(RESERVATIONS, all[at]) end
  if now - tonumber(since) > tonumber(ARGV[1]) then found[#found + 1] = { all[at], account } end
end
return { floor(), found }
