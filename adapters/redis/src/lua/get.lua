-- Reads the account's horizon and a task. Needs the first three keys only.
-- ARGV: id
return { horizon_of(redis.call('HGET', META, 'h')), redis.call('HGET', TASKS, ARGV[1]) }
