-- Registers an account before something is written that stands for it.
-- ARGV: account, bound of its expiries or '', '1' to wake it
if ARGV[2] ~= '' then bind(ARGV[1], ARGV[2]) end
if ARGV[3] == '1' then wake(ARGV[1]) end
return { redis.call('GET', HORIZON), floor() }
