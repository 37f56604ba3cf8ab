-- Raises the floor before an account is forgotten. Gives the stamp of its turn.
-- ARGV: account, revision
local held = redis.call('HGET', HELD, ARGV[1])
if held and not above(string.match(held, ' (%d+)$'), ARGV[2]) and string.sub(held, 1, 2) == '0 ' then
  redis.call('HDEL', HELD, ARGV[1])
end
-- The account is at one revision more when it is let go of.
if not above(floor(), ARGV[2]) then
  redis.call('SET', FLOOR, ARGV[2])
  redis.call('INCR', FLOOR)
end
local entry = turn(ARGV[1])
return entry and entry.stamp or ''
