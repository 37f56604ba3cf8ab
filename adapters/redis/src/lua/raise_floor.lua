-- Raises the floor before an account is forgotten. Gives the version of its entry in the queue.
-- ARGV: account, revision
local held = redis.call('HGET', COUNTS, ARGV[1])
local revision = held and string.match(held, '^0 (%d+)$')
if revision and not is_higher(revision, ARGV[2]) then
  redis.call('HDEL', COUNTS, ARGV[1])
end
-- The account is at one revision more when it is let go of.
if not is_higher(floor(), ARGV[2]) then
  redis.call('SET', FLOOR, ARGV[2])
  redis.call('INCR', FLOOR)
end
local entry = queue_entry(ARGV[1])
return entry and entry.version or ''
