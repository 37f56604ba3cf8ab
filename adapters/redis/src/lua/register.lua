-- Registers an account before a write that needs the entry. Returns the horizon and the floor.
-- ARGV: account, bound or '', '1' to make it ready
if ARGV[2] ~= '' then register_bound(ARGV[1], ARGV[2]) end
if ARGV[3] == '1' then make_ready(ARGV[1]) end
return { redis.call('GET', HORIZON), floor() }
