-- The accounts in which a limited sweep has left due tasks, from an offset on. Each as in
-- `expiring`.
-- ARGV: offset, count
local found = {}
local from, count = tonumber(ARGV[1]), tonumber(ARGV[2])
for _, account in ipairs(redis.call('ZRANGE', DUE, from, from + count - 1)) do
  local bound = redis.call('HGET', BOUNDS, account) or ''
  local due_version = redis.call('ZSCORE', DUE, account)
  found[#found + 1] = { account, string.sub(bound, 1, 22), string.sub(bound, 23), due_version }
end
return found
