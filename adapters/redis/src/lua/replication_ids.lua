-- Reads the primaries at the last repair, or records them. A new primary may lack the horizon of
-- its slots.
-- ARGV: the ids to record, or nothing
if ARGV[1] then
  redis.call('SET', REPLICATION_IDS, ARGV[1])
  redis.call('DEL', SLOTS)
end
return redis.call('GET', REPLICATION_IDS) or ''
