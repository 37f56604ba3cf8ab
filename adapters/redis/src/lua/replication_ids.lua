-- Reads for which primaries the registry was last made sure of, or notes it.
-- ARGV: what to note, or none
-- A primary that was lost may have taken with it what its slots had heard.
if ARGV[1] then
  redis.call('SET', REPLICATION_IDS, ARGV[1])
  redis.call('DEL', SLOTS)
end
return redis.call('GET', REPLICATION_IDS) or ''
