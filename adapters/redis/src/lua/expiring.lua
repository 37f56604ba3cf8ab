-- Accounts that may have what expired up to an instant, from a place on: account, stamp of its
-- bound, mark as due.
-- ARGV: instant, place, count
local found = {}
local to = '(' .. ARGV[1] .. '\255'
local members = redis.call('ZRANGEBYLEX', EXPIRY, '-', to, 'LIMIT', ARGV[2], ARGV[3])
for _, member in ipairs(members) do
  local account = string.sub(member, 23)
  local bound = redis.call('HGET', BOUNDS, account) or ''
  found[#found + 1] = { account, string.sub(bound, 23), redis.call('ZSCORE', DUE, account) or '' }
end
return found
