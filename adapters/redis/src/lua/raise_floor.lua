-- Raises the floor before an account is forgotten. Returns the version of its entry in the queue,
-- or ''.
-- ARGV: account, revision
local held = redis.call('HGET', COUNTS, ARGV[1])
local revision = held and string.match(held, '^0 (%d+)$')
if revision and not is_higher(revision, ARGV[2]) then
  redis.call('HDEL', COUNTS, ARGV[1])
end
-- One more than the revision, as `expire_account` raises it once more.
if not is_higher(floor(), ARGV[2]) then
  redis.call('SET', FLOOR, ARGV[2])
  redis.call('INCR', FLOOR)
end
local entry = queue_entry(ARGV[1])
return entry and entry.version or ''
