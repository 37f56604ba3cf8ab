-- The accounts whose bound is no later than an instant, from an offset on, the earliest bound
-- first. For each: account, bound, version of the bound, version of its entry as due.
-- ARGV: instant, offset, count
local found = {}
local to = '(' .. ARGV[1] .. '\255'
local members = redis.call('ZRANGEBYLEX', EXPIRY, '-', to, 'LIMIT', ARGV[2], ARGV[3])
for _, member in ipairs(members) do
  local account = string.sub(member, 23)
  local bound = redis.call('HGET', BOUNDS, account) or ''
  local due_version = redis.call('ZSCORE', DUE, account) or ''
  found[#found + 1] = { account, string.sub(member, 1, 22), string.sub(bound, 23), due_version }
end
return found
