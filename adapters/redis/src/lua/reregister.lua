-- Registers an account again: its bound, its horizon, its entry in the queue; and for an account
-- without tasks, the floor.
-- ARGV: account, bound or '', horizon or '', number of tasks, revision
local account = ARGV[1]
if ARGV[2] ~= '' then register_bound(account, ARGV[2]) end
if ARGV[3] ~= '' then redis.call('SET', HORIZON, later(redis.call('GET', HORIZON), ARGV[3])) end
if ARGV[4] ~= '0' then
  make_ready(account)
elseif is_higher(ARGV[5], floor()) then
  redis.call('SET', FLOOR, ARGV[5])
end
return 1
