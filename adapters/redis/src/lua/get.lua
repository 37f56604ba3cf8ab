-- Reads a task and the account's horizon.
-- ARGV: id
return { redis.call('HGET', KEYS[1], 'h'), redis.call('HGET', KEYS[2], ARGV[1]) }
