-- Reads for which primaries the registry was last made sure of, or notes it.
-- ARGV: what to note, or none
if ARGV[1] then redis.call('SET', REPLICATION_IDS, ARGV[1]) end
return redis.call('GET', REPLICATION_IDS) or ''
