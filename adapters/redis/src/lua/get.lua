-- Reads a task and the account's horizon. Of the keys it has the first three.
-- ARGV: id
return { horizon_of(redis.call('HGET', META, 'h')), redis.call('HGET', TASKS, ARGV[1]) }
