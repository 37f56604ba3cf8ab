-- Reads for which primaries the registry was last made sure of, or notes it.
-- ARGV: what to note, or none
if ARGV[1] then redis.call('SET', EPOCH, ARGV[1]) end
return redis.call('GET', EPOCH) or ''
